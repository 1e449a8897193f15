"""Work that takes half a minute unless it is stopped."""

import time


def slowly(ended, began=None):
    """A function that says when it began, in an event, and how it ended, in a list."""

    def work(*given, **more):
        if began is not None:
            began.set()
        try:
            for _ in range(600):
                time.sleep(0.05)
        except BaseException as error:
            ended.append(type(error))
            raise

    return work
