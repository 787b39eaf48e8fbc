//! What an operator is told, and can do: numbers, health, commands.

mod commands;
mod components;
mod doctor;
mod files;
mod full_disk;
mod hangup;
mod health;
mod logs;
mod numbers;
mod ops;
