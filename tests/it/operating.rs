//! What an operator is told, and can do: numbers, health, commands.

mod health;
mod numbers;
