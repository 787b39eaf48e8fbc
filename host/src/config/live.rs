//! A part of the configuration that may change while the program runs, at SIGHUP.
//!
//! Whoever uses it asks where a piece of work begins and stays with the answer until its end. A change is known by another `Arc`.

use std::sync::{Arc, PoisonError, RwLock};

/// What is configured now. Cheap to clone; all clones are one.
#[derive(Debug)]
pub struct Live<T>(Arc<RwLock<Arc<T>>>);

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: PartialEq> Live<T> {
    pub fn new(value: T) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(value))))
    }

    pub fn now(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on it is this; what is equal changes nothing.
    pub fn set(&self, value: T) {
        if *self.now() != value {
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
        }
    }
}
