# SPDX-License-Identifier: MIT
"""A browser: headless Chromium, driven by chromedriver, which trusts the key that the proxy made for itself."""
from contextlib import contextmanager

from processes import PATIENCE
from selenium import webdriver
from selenium.webdriver.chrome.service import Service


@contextmanager
def chromium(proxy, folder, port=None, arguments=()):
    """One process, which speaks HTTP/3 and nothing else with localhost:`port`: the proxy's, or one in front of it."""
    spki = proxy.wait_for(r"[A-Za-z0-9+/]{43}=")[0]
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--no-proxy-server", f"--user-data-dir={folder}",
                     f"--origin-to-force-quic-on=localhost:{port or proxy.port}",
                     f"--ignore-certificate-errors-spki-list={spki}", *arguments):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        driver.set_page_load_timeout(PATIENCE)
        driver.set_script_timeout(PATIENCE)
        yield driver
    finally:
        driver.quit()
