"""The model in daily use: the loop of prompt, answer and check, and the MCP server."""
