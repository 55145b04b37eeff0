"""A provider that draws offline, to try everything without a real one."""
