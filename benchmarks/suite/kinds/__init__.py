"""The kinds of measurement, one a module: contestants brought up, asked in turn, ended, whatever comes."""
