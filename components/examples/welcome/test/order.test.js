import assert from 'node:assert/strict';
import { test } from 'node:test';

import { order } from '../src/order.js';

const NOW = 1_790_000_000_000;
const HOUR = 60 * 60 * 1000;
const OWNER = 0;
const ANN = 1;
const BEN = 2;

test('fresh posts come first, whoever wrote them', () => {
  const own = [post('a', BEN, 1), post('b', ANN, 2), post('c', 3, 5)];
  assert.equal(shown(request({ own })), 'a b c');
});

test('a reply waits as long as a post takes to lose half', () => {
  const reply = (hours) => [post('reply', ANN, hours, { reply: true }), post('post', BEN, 13)];
  assert.equal(shown(request({ own: reply(0.9) })), 'reply post');
  assert.equal(shown(request({ own: reply(1.1) })), 'post reply');
});

test('who has just posted comes after the others', () => {
  const own = [post('ann1', ANN, 1), post('ann2', ANN, 1), post('ann3', ANN, 1), post('ben1', BEN, 2)];
  assert.equal(shown(request({ own })), 'ann1 ben1 ann2 ann3');
});

test('a post that is dated ahead counts as one of now', () => {
  const own = [post('ahead', ANN, -1000, { reply: true }), post('now', BEN, 0)];
  assert.equal(shown(request({ own })), 'now ahead');
});

test('a source of a smaller share needs fresher posts', () => {
  const own = (hours) => [post('own', ANN, hours)];
  const parent = [post('parent', BEN, 0)];
  // 80 to 20 is two halvings, which are a day.
  assert.equal(shown(request({ own: own(23), parent })), 'own parent');
  assert.equal(shown(request({ own: own(25), parent })), 'parent own');
});

test('the order is the same an hour later', () => {
  const own = Array.from({ length: 60 }, (_, i) => post(`p${i}`, (i * i) % 7, i / 3, { reply: i % 4 === 0 }));
  assert.equal(shown({ ...request({ own }), now: NOW + HOUR }), shown(request({ own })));
});

test('of each source a block takes its share, and says so', () => {
  const many = (name) => Array.from({ length: 200 }, (_, i) => post(`${name}${i}`, 3 + i, i));
  const page = order(request({ own: many('o'), parent: many('p') }, { hasMore: true }), silent);
  assert.deepEqual(page.consumed, [200, 50]);
  assert.equal(page.picks.length, 250);
  assert.equal(Math.max(...page.picks), 249);
});

test('a source with nothing behind it is shown to its end', () => {
  const few = request({ own: [post('o', ANN, 1)], parent: [post('p', BEN, 2), post('q', 3, 3)] });
  assert.deepEqual(order(few, silent).consumed, [1, 2]);
  few.sources[0].hasMore = true;
  assert.deepEqual(order(few, silent).consumed, [1, 1]);
});

test('every post that is done with is picked once', () => {
  const own = Array.from({ length: 50 }, (_, i) => post(`p${i}`, i % 5, i));
  const { picks } = order(request({ own }), silent);
  assert.deepEqual(picks.sort((a, b) => a - b), own.map((_, i) => i));
});

test("the owner's newest post that answers nobody is pinned at the top", () => {
  const own = [post('ann', ANN, 1), post('answer', OWNER, 2, { reply: true }), post('hello', OWNER, 90), post('old', OWNER, 99)];
  assert.equal(shown(request({ own })), '*hello ann answer old');
});

test('the post that was chosen is pinned instead', () => {
  const own = [post('ann', ANN, 1), post('hello', OWNER, 90), post('rules', BEN, 99)];
  assert.equal(shown(request({ own }), 'rules'), '*rules ann hello');
});

test("where the chosen post is gone, the owner's newest is pinned and the owner is told", () => {
  const own = [post('ann', ANN, 1), post('hello', OWNER, 90)];
  const told = [];
  const page = order(request({ own }), (message) => told.push(message), 'rules');
  assert.deepEqual(page.pinned, [1]);
  assert.equal(told.length, 1);
  assert.match(told[0], /rules is not among the newest 2/);
});

test('without a post of the owner nothing is pinned', () => {
  assert.equal(shown(request({ own: [post('ann', ANN, 1)], parent: [post('p', OWNER, 1)] })), 'ann p');
  assert.equal(shown(request({})), '');
});

test('further down nothing is pinned, and nobody is told anything', () => {
  const own = [post('ann', ANN, 1), post('hello', OWNER, 90)];
  const further = { ...request({ own }), position: 250 };
  assert.equal(shown(further), 'ann hello');
  order(further, () => assert.fail('said something'), 'rules');
});

test('a welcome from beyond the block is pinned, and is not done with', () => {
  const own = Array.from({ length: 200 }, (_, i) => post(`o${i}`, i === 150 ? OWNER : 3 + i, i));
  const parent = Array.from({ length: 10 }, (_, i) => post(`p${i}`, 300 + i, i));
  const page = order(request({ own, parent }, { hasMore: true }), silent);
  assert.deepEqual(page.consumed, [40, 10]);
  assert.deepEqual([page.picks[0], page.pinned], [150, [150]]);
  assert.equal(page.picks.length, 51);
});

function silent() {}

/** A post that somebody wrote so many hours ago. */
function post(uri, author, hours, { reply = false } = {}) {
  return { uri, author, sortTime: NOW - hours * HOUR, reply };
}

/** A request at the top of the feed, from a community with a share of 80 and a parent with 20. */
function request({ own = [], parent = [] }, { hasMore = false } = {}) {
  const sources = [
    { kind: 'own', share: 80, taken: 0, first: 0, count: own.length, hasMore },
    { kind: 'parent', share: 20, taken: 0, first: own.length, count: parent.length, hasMore },
  ];
  const all = [...own, ...parent];
  const column = (name) => all.map((post) => post[name]);
  const posts = {
    uri: column('uri'),
    source: all.map((_, post) => (post < own.length ? 0 : 1)),
    author: column('author'),
    sortTime: column('sortTime'),
    reply: column('reply'),
    languages: all.map(() => 0),
    labels: all.map(() => 0),
  };
  const authors = Array.from({ length: 400 }, (_, i) => ({ did: `did:plc:${i}`, role: i === OWNER ? 'owner' : 'member', posts: 1 }));
  const rest = { languages: [[]], labels: [[]], limit: 50, position: 0, now: NOW, more: [] };
  return { community: 'at://did:plc:0/c/1', sources, posts, authors, ...rest };
}

/** The names of a page's posts in their order, with a star at what is pinned. */
function shown(request, welcome = null) {
  const { picks, pinned = [] } = order(request, silent, welcome);
  return picks.map((post) => (pinned.includes(post) ? '*' : '') + request.posts.uri[post]).join(' ');
}
