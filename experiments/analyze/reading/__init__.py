"""How a log is read: its tables, SQL over its rows, and a row for each unit, and unit and day."""
