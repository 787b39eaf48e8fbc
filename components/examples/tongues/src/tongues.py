"""Every language has its turn.

Posts are sorted by language, and the languages take turns: one post each, round and round; one that has no more posts
is passed over. Within a language the newest come first, and the posts of the community, of its parent and of the others
follow each other as the owner's shares say.

A post is a number here, as in the request: posts.author[7] is who wrote the post number 7.
"""

from collections import deque
from math import ceil, inf

# ---- What you may want to change ----

# How many posts a language shows when it is its turn.
IN_A_ROW = 1

# -------------------------------------


def order(request):
    """The posts of a block in their order; and how many of each source are done with."""
    consumed = portions(request.sources)
    tongues = [tongue(tags) for tags in request.languages]
    queues = {}  # by language; the one that is seen first has the first turn
    for post in by_shares(request.sources, consumed):
        queues.setdefault(tongues[request.posts.languages[post]], deque()).append(post)
    return list(in_turns(queues.values())), consumed


def portions(sources):
    """How many posts of each source a block takes.

    It is what the owner's shares give them, so that all that have more behind them run out together. The rest come
    again with the next block.
    """
    each = min((source.count / source.share for source in sources if source.has_more and source.count), default=inf)
    return [ceil(min(source.count, each * source.share)) for source in sources]


def by_shares(sources, portions):
    """So many posts of each source, the newest first, with each source spread evenly over the block."""
    places = [
        ((2 * place + 1) / (2 * portion), source.first + place)
        for source, portion in zip(sources, portions)
        for place in range(portion)
    ]
    return [post for _, post in sorted(places)]


def tongue(tags):
    """The language of a post: the first that its author's app names, and `pt` for `pt-BR` as well as `pt-PT`.

    Posts without a language, or with something that is none, are together in a language of their own.
    """
    for tag in tags:
        language = tag.replace("_", "-").split("-")[0].lower()
        if len(language) in (2, 3) and language.isascii() and language.isalpha():
            return language
    return ""


def in_turns(queues):
    """All posts, a few of each queue in turn, until all are empty."""
    while queues := [queue for queue in queues if queue]:
        for queue in queues:
            for _ in range(min(IN_A_ROW, len(queue))):
                yield queue.popleft()
