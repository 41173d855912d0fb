package import APISchema
package import Filesystem
internal import NIOHTTP1
package import Primitives

extension APIClient {
    package func createApp(
        name: String, about: String = "", environment: String = "main", leaseSeconds: UInt32 = 30, tasks: UInt32 = 1
    ) async throws(FileFailure) -> AppReport {
        let call = Call(.POST, "/v1/apps", object: name).with { writer in
            writer.object {
                $0.field("name", name)
                $0.field("description", about)
                $0.field("environment", environment)
                $0.field("lease_s", leaseSeconds)
                $0.field("tasks", tasks)
            }
        }
        return try AppReport(json: try await json(call))
    }

    package func apps(environment: String? = nil) async throws(FileFailure) -> [AppReport] {
        try await json(Call(.GET, "/v1/apps\(Self.query([("environment", environment)]))", object: "apps"))
            .rows("apps") { json throws(FileFailure) in try AppReport(json: json) }
    }

    package func heartbeat(_ app: AppID, tasks: UInt32? = nil) async throws(FileFailure) -> AppReport {
        let call = Call(.POST, "/v1/apps/\(app)/heartbeat", object: app.description, isRepeatable: true).with {
            $0.object { $0.field("tasks", tasks) }
        }
        return try AppReport(json: try await json(call))
    }

    /// `app` is an id or the name of a running app. Returns the file systems that ended with it.
    package func stopApp(_ app: String, environment: String = "main", finished: Bool = false) async throws(FileFailure) -> (
        apps: [String], filesystems: [String]
    ) {
        let path = "/v1/apps/\(PercentCoding.encode(app))/stop\(Self.query([("environment", environment)]))"
        let json = try await json(Call(.POST, path, object: app).with { $0.object { $0.field("finished", finished) } })
        return (try json.strings("apps"), try json.strings("filesystems"))
    }

    package func history(ofApp app: String, environment: String = "main") async throws(FileFailure) -> [EventReport] {
        let path = "/v1/apps/\(PercentCoding.encode(app))/history\(Self.query([("environment", environment)]))"
        return try await json(Call(.GET, path, object: app)).rows("events") { json throws(FileFailure) in try EventReport(json: json) }
    }
}
