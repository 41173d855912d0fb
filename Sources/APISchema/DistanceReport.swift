package import Filesystem
package import Primitives

/// What it costs to use a network file system from another region than its own: its round trip, and
/// what common things take at that distance (docs/internals/nfs-client-model.md).
package struct DistanceReport: Sendable, Hashable, JSONEncodable {
    /// Where the client is, and where the file system lives.
    package var from: RegionID
    package var region: RegionID
    /// Nil until measured.
    package var roundTripMilliseconds: Double?

    /// Round trips of an open, of reading a small file (open, read, close), and of writing a new one
    /// (create, write, close).
    package static let openRoundTrips = 1.0
    package static let readRoundTrips = 2.0
    package static let writeRoundTrips = 4.0

    package init(from: RegionID, region: RegionID, roundTripMilliseconds: Double?) {
        self.from = from
        self.region = region
        self.roundTripMilliseconds = roundTripMilliseconds
    }

    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("from", from.name)
            $0.field("region", region.name)
            $0.field("rtt_ms", roundTripMilliseconds)
            $0.field("open_ms", roundTripMilliseconds.map { $0 * Self.openRoundTrips })
            $0.field("small_read_ms", roundTripMilliseconds.map { $0 * Self.readRoundTrips })
            $0.field("small_write_ms", roundTripMilliseconds.map { $0 * Self.writeRoundTrips })
        }
    }

    package init(json: JSON) throws(FileFailure) {
        self.init(
            from: RegionID(try json.string("from")), region: RegionID(try json.string("region")),
            roundTripMilliseconds: json["rtt_ms"]?.double)
    }

    /// In words, for whoever is about to pay it.
    package func words(_ name: String) -> String {
        let place = "'\(name)' lives in \(region.name), and this client is in \(from.name)"
        guard let trip = roundTripMilliseconds else { return "\(place): every operation pays the round trip, which is not measured yet" }
        func text(_ trips: Double) -> String { "\(Int((trip * trips).rounded())) ms" }
        return
            "\(place), a round trip of \(text(1)) away: about \(text(Self.openRoundTrips)) for an open, \(text(Self.readRoundTrips)) to read a small file, \(text(Self.writeRoundTrips)) to write one"
    }
}
