"""The browser of the benchmarks that look at the console.

It needs what ``./run browser --version`` installs, and Debian's chromium and chromium-driver.
"""

from selenium import webdriver
from selenium.webdriver.chrome.service import Service


def browser():
    """Return a Chromium without a window."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"):
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
