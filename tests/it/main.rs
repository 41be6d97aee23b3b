//! The whole server, spoken to as its users speak to it.

mod client;
mod command;
mod open_mode;
mod page;
mod push;
mod query;
mod server;
mod slow;
mod socket;
mod steps;
