"""The commands, a module for each: imported when the command is used."""
