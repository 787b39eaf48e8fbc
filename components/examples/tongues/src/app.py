"""What the host calls.

It hands over a request and gets a page; both are described in wit/feed-mix.wit, where names-like-this are names_like_this
in Python. What is decided stands in tongues.py, which knows nothing of components and is tested by itself.
"""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.types import Page, Request

from tongues import order


class Mix(exports.Mix):
    def mix(self, request: Request) -> Page:
        try:
            picks, consumed = order(request)
        except Exception as error:
            # This text is what the community's owner sees. Python's own traceback would read files, and there are none.
            trace = error.__traceback__
            while trace.tb_next:
                trace = trace.tb_next
            file = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
            raise Err(f"{type(error).__name__}: {error} ({file}, line {trace.tb_lineno})")
        return Page(picks, pinned=None, notes=None, consumed=consumed, more=None)
