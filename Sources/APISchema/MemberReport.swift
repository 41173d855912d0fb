package import Filesystem
package import Primitives

/// A row of `GET /v1/members`: a node as another sees it.
package struct MemberReport: Sendable, Hashable, JSONEncodable {
    package var id: NodeID
    package var region: RegionID
    package var status: String
    package var incarnation: UInt64
    /// Nil until measured.
    package var roundTripMilliseconds: Double?
    package var endpoints: [Endpoint]

    package init(
        id: NodeID, region: RegionID, status: String, incarnation: UInt64, roundTripMilliseconds: Double?, endpoints: [Endpoint]
    ) {
        self.id = id
        self.region = region
        self.status = status
        self.incarnation = incarnation
        self.roundTripMilliseconds = roundTripMilliseconds
        self.endpoints = endpoints
    }

    package func write(to writer: inout JSONWriter) { writer.object { writeFields(to: &$0) } }

    package func writeFields(to writer: inout JSONWriter) {
        writer.field("id", id.rawValue)
        writer.field("region", region.name)
        writer.field("status", status)
        writer.field("incarnation", incarnation)
        writer.field("rtt_ms", roundTripMilliseconds)
        writer.field("endpoints", endpoints: endpoints)
    }

    package init(json: JSON) throws(FileFailure) {
        self.init(
            id: NodeID(try json.unsigned("id")), region: RegionID(try json.string("region")), status: try json.string("status"),
            incarnation: try json.unsigned("incarnation"), roundTripMilliseconds: json["rtt_ms"]?.double,
            endpoints: try json.endpoints("endpoints"))
    }
}

/// A row of `GET /v1/regions`: a measured pair of regions.
package struct RegionPairReport: Sendable, Hashable, JSONEncodable {
    package var from: RegionID
    package var to: RegionID
    package var medianMilliseconds: Double
    package var p90Milliseconds: Double
    /// The shortest that is remembered.
    package var leastMilliseconds: Double
    package var samples: UInt64

    package init(
        from: RegionID, to: RegionID, medianMilliseconds: Double, p90Milliseconds: Double, leastMilliseconds: Double, samples: UInt64
    ) {
        self.from = from
        self.to = to
        self.medianMilliseconds = medianMilliseconds
        self.p90Milliseconds = p90Milliseconds
        self.leastMilliseconds = leastMilliseconds
        self.samples = samples
    }

    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("from", from.name)
            $0.field("to", to.name)
            $0.field("median_ms", medianMilliseconds)
            $0.field("p90_ms", p90Milliseconds)
            $0.field("least_ms", leastMilliseconds)
            $0.field("samples", samples)
        }
    }

    package init(json: JSON) throws(FileFailure) {
        self.init(
            from: RegionID(try json.string("from")), to: RegionID(try json.string("to")), medianMilliseconds: try json.real("median_ms"),
            p90Milliseconds: try json.real("p90_ms"), leastMilliseconds: try json.real("least_ms"), samples: try json.unsigned("samples"))
    }
}
