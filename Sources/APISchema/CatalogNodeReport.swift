package import Filesystem
package import Primitives

/// A row of `GET /v1/nodes`: a node as the catalog has it. Whether it is alive is for `/v1/members` to say.
package struct CatalogNodeReport: Sendable, Hashable, JSONEncodable {
    package var id: NodeID
    package var name: String
    package var region: RegionID
    /// `active`, `draining`, `drained` or `removed`.
    package var state: String
    package var weight: UInt32
    /// Groups in which it votes, and others of which it holds a replica; the catalog's own among them.
    package var votes: Int
    package var replicas: Int
    /// What a draining node still has that others need; nil where there is nothing.
    package var holds: String?
    package var joinedAt: String
    package var endpoints: [Endpoint]

    package init(
        id: NodeID, name: String, region: RegionID, state: String, weight: UInt32, votes: Int, replicas: Int, holds: String?,
        joinedAt: String, endpoints: [Endpoint]
    ) {
        self.id = id
        self.name = name
        self.region = region
        self.state = state
        self.weight = weight
        self.votes = votes
        self.replicas = replicas
        self.holds = holds
        self.joinedAt = joinedAt
        self.endpoints = endpoints
    }

    package func write(to writer: inout JSONWriter) { writer.object { writeFields(to: &$0) } }

    package func writeFields(to writer: inout JSONWriter) {
        writer.field("id", id.rawValue)
        writer.field("name", name)
        writer.field("region", region.name)
        writer.field("state", state)
        writer.field("weight", weight)
        writer.field("votes", votes)
        writer.field("replicas", replicas)
        writer.field("holds", holds)
        writer.field("joined_at", joinedAt)
        writer.field("endpoints", endpoints: endpoints)
    }

    package init(json: JSON) throws(FileFailure) {
        self.init(
            id: NodeID(try json.unsigned("id")), name: try json.string("name"), region: RegionID(try json.string("region")),
            state: try json.string("state"), weight: UInt32(clamping: try json.unsigned("weight")), votes: Int(try json.unsigned("votes")),
            replicas: Int(try json.unsigned("replicas")), holds: json["holds"]?.text, joinedAt: try json.string("joined_at"),
            endpoints: try json.endpoints("endpoints"))
    }
}
