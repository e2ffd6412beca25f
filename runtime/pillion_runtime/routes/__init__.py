"""One file a noun: each has `blueprint(host)`, which makes the routes of that noun."""
