//! What an operator is told, and can do: numbers, health, commands.

mod commands;
mod files;
mod health;
mod numbers;
