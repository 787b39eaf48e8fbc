//! The whole program, tested from outside. One binary; each module is a part of what must hold.

mod journey; // a community's life, as its people live it
