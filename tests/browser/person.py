"""Somebody at a browser: opens addresses, presses what has a name, types into what has a label, and reads."""

import time
from collections.abc import Callable

from chrome import PATIENCE_SECONDS
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

LOOK_SECONDS = 0.05


def wait_until(condition: Callable[[], object], what: Callable[[], str]) -> None:
    """Looks at the world until it is as it should be; what it was instead is asked only then."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited for {what()}"
        time.sleep(LOOK_SECONDS)


class Person:
    """Every wait is for something that can be read; when it does not come, the failure shows what stood there instead."""

    def __init__(self, window: Chrome) -> None:
        self.window = window

    def opens(self, address: str) -> None:
        self.window.get(address)

    def presses(self, name: str) -> None:
        """The first visible button or link with exactly this text."""
        self._until(lambda: self._pressed(name), f"something to press named {name!r}")

    def _pressed(self, name: str) -> bool:
        path = f"//*[self::a or self::button][normalize-space(.)={_quoted(name)}]"
        found = next((each for each in self.window.find_elements(By.XPATH, path) if each.is_displayed()), None)
        if found is not None:
            self.window.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
            found.click()
        return found is not None

    def presses_summary(self, text: str) -> None:
        """Opens the part whose heading contains the text."""
        path = f"//details[not(@open)]/summary[contains(normalize-space(.), {_quoted(text)})]"
        for each in self.window.find_elements(By.XPATH, path)[:1]:
            each.click()

    def types(self, id_or_name: str, text: str) -> None:
        field = self.window.find_element(By.CSS_SELECTOR, f"#{id_or_name}, [name='{id_or_name}']")
        field.clear()
        field.send_keys(text)

    def reads(self, *texts: str, where: str = "main") -> str:
        """Waits until all of it stands there; returns what is read."""
        self._until(lambda: all(text in self.said(where) for text in texts), f"{texts}", where)
        return self.said(where)

    def reads_one_of(self, *texts: str) -> None:
        """Waits until any of it stands there: what goes by quickly, or what comes after it."""
        self._until(lambda: any(text in self.said() for text in texts), f"one of {texts}")

    def reads_no_more(self, text: str, where: str = "main") -> None:
        self._until(lambda: text not in self.said(where), f"{text!r} to go away", where)

    def said(self, where: str = "main") -> str:
        """The visible text, its spaces made plain."""
        script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText ?? each.textContent).join(' ')"
        return " ".join(str(self.window.execute_script(script, where)).split())

    def sees(self, where: str) -> list[WebElement]:
        return self.window.find_elements(By.CSS_SELECTOR, where)

    def complaints(self) -> list[str]:
        """What the browser itself found wrong."""
        return [entry["message"] for entry in self.window.get_log("browser") if entry["level"] == "SEVERE"]

    def _until(self, condition: object, what: str, where: str = "main") -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if condition():  # type: ignore[operator]
                    return
            except (StaleElementReferenceException, WebDriverException):
                pass  # the page changed under the look; look again
            assert time.monotonic() < deadline, (
                f"waited for {what} at {self.window.current_url}; there is: {self.said(where)[:3000]}"
            )
            time.sleep(LOOK_SECONDS)


def _quoted(text: str) -> str:
    """A text as an XPath literal."""
    return f'"{text}"' if '"' not in text else f"'{text}'"
