"""The way in to a ZeroMQ socket: who comes is let in here, and handed on to libzmq, which never meets a crowd."""
