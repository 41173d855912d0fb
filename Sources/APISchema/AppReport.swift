package import Filesystem
package import Primitives

/// An app as lists show it.
package struct AppReport: Sendable, Hashable, JSONEncodable {
    package var id: AppID
    package var name: String
    package var about: String
    package var environment: String
    /// `running`, `stopped`, `expired` or `finished`.
    package var state: String
    package var tasks: UInt32
    package var created: WallTime
    package var createdBy: String
    package var stopped: WallTime?
    package var leaseSeconds: UInt32
    package var filesystems: [FilesystemID]

    package init(
        id: AppID, name: String, about: String, environment: String, state: String, tasks: UInt32, created: WallTime, createdBy: String,
        stopped: WallTime?, leaseSeconds: UInt32, filesystems: [FilesystemID]
    ) {
        self.id = id
        self.name = name
        self.about = about
        self.environment = environment
        self.state = state
        self.tasks = tasks
        self.created = created
        self.createdBy = createdBy
        self.stopped = stopped
        self.leaseSeconds = leaseSeconds
        self.filesystems = filesystems
    }

    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("id", id.description)
            $0.field("name", name)
            $0.field("description", about)
            $0.field("environment", environment)
            $0.field("state", state)
            $0.field("tasks", tasks)
            $0.field("created_at", created.rfc3339)
            $0.field("created_at_ns", created.nanoseconds)
            $0.field("created_by", createdBy)
            $0.field("stopped_at", stopped?.rfc3339)
            $0.field("stopped_at_ns", stopped?.nanoseconds)
            $0.field("lease_s", leaseSeconds)
            $0.field("filesystems", strings: filesystems.map(\.description))
        }
    }

    package init(json: JSON) throws(FileFailure) {
        guard let id = AppID(try json.string("id")) else { throw JSON.invalid("id", "is no id of an app") }
        self.init(
            id: id, name: try json.string("name"), about: try json.string("description"), environment: try json.string("environment"),
            state: try json.string("state"), tasks: try json.small("tasks"),
            created: WallTime(nanoseconds: try json.signed("created_at_ns")),
            createdBy: try json.string("created_by"), stopped: json["stopped_at_ns"]?.int64.map { WallTime(nanoseconds: $0) },
            leaseSeconds: try json.small("lease_s"), filesystems: try json.strings("filesystems").compactMap { FilesystemID($0) })
    }
}

/// A line of an app's history.
package struct EventReport: Sendable, Hashable, JSONEncodable {
    package var time: WallTime
    package var by: String
    package var verb: String
    package var object: String
    package var detail: String
    package init(time: WallTime, by: String, verb: String, object: String, detail: String) {
        self.time = time
        self.by = by
        self.verb = verb
        self.object = object
        self.detail = detail
    }

    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("time", time.rfc3339)
            $0.field("time_ns", time.nanoseconds)
            $0.field("by", by)
            $0.field("verb", verb)
            $0.field("object", object)
            $0.field("detail", detail)
        }
    }

    package init(json: JSON) throws(FileFailure) {
        self.init(
            time: WallTime(nanoseconds: try json.signed("time_ns")), by: try json.string("by"), verb: try json.string("verb"),
            object: try json.string("object"), detail: try json.string("detail"))
    }
}

/// An access token as lists show it: never the secret.
package struct TokenReport: Sendable, Hashable, JSONEncodable {
    package var id: UInt64
    package var about: String
    package var scopes: [String]
    package var created: WallTime
    package var createdBy: String
    package var expires: WallTime?
    package var revoked: WallTime?
    package init(id: UInt64, about: String, scopes: [String], created: WallTime, createdBy: String, expires: WallTime?, revoked: WallTime?)
    {
        self.id = id
        self.about = about
        self.scopes = scopes
        self.created = created
        self.createdBy = createdBy
        self.expires = expires
        self.revoked = revoked
    }

    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("id", id)
            $0.field("description", about)
            $0.field("scopes", strings: scopes)
            $0.field("created_at", created.rfc3339)
            $0.field("created_at_ns", created.nanoseconds)
            $0.field("created_by", createdBy)
            $0.field("expires_at_ns", expires?.nanoseconds)
            $0.field("revoked_at_ns", revoked?.nanoseconds)
        }
    }

    package init(json: JSON) throws(FileFailure) {
        self.init(
            id: try json.unsigned("id"), about: try json.string("description"), scopes: try json.strings("scopes"),
            created: WallTime(nanoseconds: try json.signed("created_at_ns")), createdBy: try json.string("created_by"),
            expires: json["expires_at_ns"]?.int64.map { WallTime(nanoseconds: $0) },
            revoked: json["revoked_at_ns"]?.int64.map { WallTime(nanoseconds: $0) })
    }
}
