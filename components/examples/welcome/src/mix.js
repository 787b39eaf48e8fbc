// What the host calls. It hands over a request and gets a page; both are described in wit/feed-mix.wit, with names-like-this
// written namesLikeThis. What is decided stands in order.js, which knows nothing of components and is tested by itself.

import { log } from 'atrarium:feed-mix/log@1.0.0';

import { order } from './order.js';

export const mix = {
  mix(request) {
    try {
      return order(request, log);
    } catch (error) {
      throw `${error}\n${error.stack}`; // this text is what the community's owner sees
    }
  },
};
