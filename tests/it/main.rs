//! The whole server, spoken to as its users speak to it.
#![expect(clippy::unwrap_used, reason = "in helpers, too, a failure must end the test")]

mod alerts;
mod backend;
mod client;
mod clients;
mod command;
mod disk;
mod events_file;
mod gate;
mod histograms;
mod limits;
mod maps;
mod nodes;
mod open_mode;
mod page;
mod process;
mod prometheus;
mod push;
mod records;
mod redis_cluster;
mod redis_server;
mod rooms;
mod server;
mod slow;
#[path = "../shim/slowdisk.rs"]
mod slowdisk;
mod socket;
mod steps;
mod survey;
mod turns;
