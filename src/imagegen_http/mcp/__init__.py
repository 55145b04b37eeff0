"""The service as tools of agents: the Model Context Protocol over stdio and HTTP."""
