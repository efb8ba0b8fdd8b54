"""WSGI layers around the application, on every backend the same: a module a layer, none there unless asked for."""
