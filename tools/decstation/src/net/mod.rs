//! The Ethernet between machines: one simulated 10 Mb/s segment, its time, its checksum, and a
//! record of what was on the wire.
//!
//! - [`crc`]: the frame check sequence and the hash that multicast filters use;
//! - [`segment`]: the medium itself, with deferral, collisions and backoff (IEEE 802.3 clause 4);
//! - [`pcap`]: the wire as a capture file;
//! - [`time`]: cycles of one machine against nanoseconds of the wire.

pub mod crc;
pub mod pcap;
pub mod segment;
pub mod time;
