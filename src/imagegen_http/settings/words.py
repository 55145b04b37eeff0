"""What can be wrong with the settings, and what is doubtful about them."""

from imagegen_core.messages import MessageCode


class SettingCode(MessageCode, words="imagegen_http"):
    """Rules of ``config.yaml`` and its variables. Each sentence goes on after the key, variable or file."""
