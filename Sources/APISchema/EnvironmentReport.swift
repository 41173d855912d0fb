package import Filesystem

/// A row of `GET /v1/environments`.
package struct EnvironmentReport: Sendable, Hashable, JSONEncodable {
    /// `main`, or `workspace/name` outside the workspace `default`.
    package var name: String
    /// RFC 3339.
    package var created: String
    package var createdBy: String

    package init(name: String, created: String, createdBy: String) {
        self.name = name
        self.created = created
        self.createdBy = createdBy
    }

    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("name", name)
            $0.field("created_at", created)
            $0.field("created_by", createdBy)
        }
    }

    package init(json: JSON) throws(FileFailure) {
        self.init(
            name: try json.string("name"), created: try json.string("created_at", default: ""),
            createdBy: try json.string("created_by", default: ""))
    }
}
