//! The whole program, tested from outside. One binary; each module is a part of what must hold.

mod house; // who may use whom
mod journey; // a community's life, as its people live it
