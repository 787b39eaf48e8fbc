"""What tongues.py decides, with the Python that is installed here: no component, no host."""

import unittest
from types import SimpleNamespace
from unittest import mock

import tongues


class Turns(unittest.TestCase):
    def test_languages_take_turns_and_the_newest_post_begins(self):
        self.assertEqual(shown("en1 en2 en3 ja1 de1 ja2"), "en1 ja1 de1 en2 ja2 en3")

    def test_one_language_alone_is_shown_from_newest_to_oldest(self):
        self.assertEqual(shown("en1 en2 en3"), "en1 en2 en3")

    def test_nothing_is_made_of_nothing(self):
        self.assertEqual(shown(""), "")
        self.assertEqual(tongues.order(SimpleNamespace(sources=[], posts=None, languages=[[]])), ([], []))

    def test_several_posts_in_a_row(self):
        with mock.patch.object(tongues, "IN_A_ROW", 2):
            self.assertEqual(shown("en1 en2 en3 ja1 de1 ja2 ja3"), "en1 en2 ja1 ja2 de1 en3 ja3")

    def test_every_post_that_is_done_with_is_shown_once(self):
        names = [f"{'en de pt'.split()[i * i % 3]}{i}" for i in range(100)]
        self.assertEqual(sorted(shown(" ".join(names)).split()), sorted(names))


class Languages(unittest.TestCase):
    def test_dialects_of_a_language_share_its_turns(self):
        request = request_of([source(100, "o", 4, has_more=False)])
        request.languages = [[], ["pt-BR"], ["pt-PT"], ["ja"]]
        request.posts.languages = [1, 2, 3, 0]
        self.assertEqual(tongues.order(request)[0], [0, 2, 3, 1])

    def test_what_counts_as_a_language(self):
        for tags, expected in [
            (["en"], "en"),
            (["pt-BR"], "pt"),
            (["PT_pt"], "pt"),
            (["de", "en"], "de"),
            (["gsw"], "gsw"),
            (["zh-Hant-TW"], "zh"),
            ([], ""),
            ([""], ""),
            (["english"], ""),
            (["e"], ""),
            (["12"], ""),
            (["éé"], ""),
            (["english", "fr"], "fr"),
        ]:
            with self.subTest(tags=tags):
                self.assertEqual(tongues.tongue(tags), expected)


class Shares(unittest.TestCase):
    def test_within_a_language_the_sources_follow_their_shares(self):
        names = shown_of(request_of([source(80, "o", 200), source(20, "p", 200)])).split()
        self.assertEqual(names[:10], "o0 o1 p0 o2 o3 o4 o5 p1 o6 o7".split())
        self.assertEqual(sum(name[0] == "p" for name in names[:100]), 20)

    def test_of_each_source_a_block_takes_its_share(self):
        picks, consumed = tongues.order(request_of([source(80, "o", 200), source(15, "p", 200), source(5, "g", 200)]))
        self.assertEqual(consumed, [200, 38, 13])
        self.assertEqual(sorted(picks), [*range(200), *range(200, 238), *range(400, 413)])

    def test_a_source_with_nothing_behind_it_is_shown_to_its_end(self):
        for own_has_more, parent_has_more, expected in [
            (False, False, [1, 9]),
            (True, True, [1, 1]),
            (False, True, [1, 9]),
            (True, False, [1, 1]),
        ]:
            with self.subTest(own_has_more=own_has_more, parent_has_more=parent_has_more):
                sources = [source(50, "o", 1, own_has_more), source(50, "p", 9, parent_has_more)]
                self.assertEqual(tongues.order(request_of(sources))[1], expected)

    def test_an_empty_source_stops_nobody(self):
        self.assertEqual(shown_of(request_of([source(80, "o", 0), source(20, "p", 3)])), "p0 p1 p2")


def source(share, letter, count, has_more=True):
    return SimpleNamespace(share=share, letter=letter, count=count, has_more=has_more)


def request_of(sources):
    """A request with posts o0, o1 … of a source with the letter o, all in one language."""
    names = []
    for source in sources:
        source.first = len(names)
        names += [f"{source.letter}{place}" for place in range(source.count)]
    posts = SimpleNamespace(uri=names, languages=[1] * len(names))
    return SimpleNamespace(sources=sources, posts=posts, languages=[[], ["en"]])


def shown(names):
    """The order of these posts of one source, the newest first; the letters of a name are its language."""
    names = names.split()
    sets = [[]] + [[tag] for tag in {name.rstrip("0123456789"): None for name in names}]
    posts = SimpleNamespace(uri=names, languages=[sets.index([name.rstrip("0123456789")]) for name in names])
    one = SimpleNamespace(share=100, first=0, count=len(names), has_more=False)
    return shown_of(SimpleNamespace(sources=[one], posts=posts, languages=sets))


def shown_of(request):
    picks, _ = tongues.order(request)
    return " ".join(request.posts.uri[post] for post in picks)


if __name__ == "__main__":
    unittest.main()
