internal import APISchema
internal import Filesystem
internal import Hummingbird
internal import NodeRuntime
internal import Primitives
internal import Replication

/// Apps: what is kept alive by heartbeats and owns ephemeral file systems.
extension APIRoutes {
    var apps: [APIRoute] {
        [
            APIRoute(
                method: .post, path: "/v1/apps", name: "createApp", about: "Registers a running app.", takes: .json,
                takesSchema: "AppRequest", givesSchema: "App", status: 201
            ) { try await createApp($0) },
            APIRoute(
                method: .get, path: "/v1/apps", name: "listApps", about: "Apps, newest first.",
                query: [.init(name: "environment", type: "string", about: "only of this environment")], givesSchema: "Apps"
            ) { request in
                let environment = try request.argument("environment").map(Self.environment)
                let catalog = await service.catalog()
                if let environment { try Self.require(environment, in: catalog) }
                let apps = catalog.apps(in: environment).filter { request.principal.allows($0.environment, write: false) }
                return .json { writer in writer.object { $0.field("apps", apps.map { AppReport($0) }) } }
            },
            APIRoute(
                method: .post, path: "/v1/apps/{app}/heartbeat", name: "heartbeatApp", about: "Keeps an app alive for another lease.",
                takes: .json,
                takesSchema: "Heartbeat", givesSchema: "App"
            ) { request in
                let json = try await request.json()
                let app = try await app(request, write: true)
                guard
                    case .app(let renewed) = try await change(
                        .heartbeatApp(app.id, tasks: try json.small("tasks", default: app.tasks)), request)
                else { return .json(AppReport(app)) }
                return .json(AppReport(renewed))
            },
            APIRoute(
                method: .post, path: "/v1/apps/{app}/stop", name: "stopApp",
                about: "Ends an app and the ephemeral file systems that it owns. {app} is an id, or the name of one running app.",
                takes: .json,
                takesSchema: "Stop", givesSchema: "Stopped"
            ) { try await stopApp($0) },
            APIRoute(
                method: .get, path: "/v1/apps/{app}/history", name: "getAppHistory",
                about: "What happened to an app and what it owns, oldest first.",
                query: [.init(name: "environment", type: "string", about: "where {app} is a name")], givesSchema: "Events"
            ) { request in
                let app = try await app(request, write: false)
                let events = await service.catalog().history.filter { $0.owner == app.id }
                return .json { writer in writer.object { $0.field("events", events.map { EventReport($0) }) } }
            },
        ]
    }

    private func selector(_ request: APIRequest) throws(FileFailure) -> AppSelector {
        AppSelector(try request.text("app"), environment: Self.environment(try request.argument("environment") ?? "main"))
    }

    private func app(_ request: APIRequest, write: Bool) async throws(FileFailure) -> AppRecord {
        let selector = try selector(request)
        let catalog = await service.catalog()
        guard let app = catalog.app(selector) else {
            if let environment = try request.argument("environment").map(Self.environment) { try Self.require(environment, in: catalog) }
            throw FileFailure(
                .notFound, operation: "look up app", object: "\(selector)", cause: "there is no such app", hint: "see `atoll app list`")
        }
        try Self.require(app.environment, write: write, request)
        return app
    }

    private func createApp(_ request: APIRequest) async throws -> Response {
        let json = try await request.json()
        let environment = Self.environment(try json.string("environment", default: "main"))
        try Self.require(environment, write: true, request)
        var generator = SystemRandomNumberGenerator()
        let action = CatalogAction.createApp(
            high: generator.next(), low: generator.next(), name: try json.string("name"),
            about: try json.string("description", default: ""),
            environment: environment, leaseSeconds: try json.small("lease_s", default: 30), tasks: try json.small("tasks", default: 1))
        guard case .app(let app) = try await change(action, request) else {
            throw FileFailure(.ioError, operation: "app create", object: "", cause: "the catalog gave another answer")
        }
        return .json(status: .created, AppReport(app))
    }

    private func stopApp(_ request: APIRequest) async throws -> Response {
        let json = try await request.json()
        let selector = try selector(request)
        let app = try await app(request, write: true)
        let reason: AppRecord.StopReason = try json.bool("finished") ? .finished : .requested
        // By the selector, so that the catalog tells of several running apps of one name.
        guard case .ended(let apps, let filesystems) = try await change(.stopApp(selector, reason), request) else {
            throw FileFailure(.ioError, operation: "app stop", object: app.id.description, cause: "the catalog gave another answer")
        }
        return .json { writer in
            writer.object {
                $0.field("apps", strings: apps.map(\.description))
                $0.field("filesystems", strings: filesystems.map(\.description))
            }
        }
    }
}

extension AppReport {
    init(_ app: AppRecord) {
        var state = "running"
        var stopped: WallTime?
        if case .stopped(let at, _, let reason) = app.state { (state, stopped) = (reason.word, at) }
        self.init(
            id: app.id, name: app.name, about: app.about, environment: APIRoutes.text(app.environment), state: state, tasks: app.tasks,
            created: app.created, createdBy: app.createdBy, stopped: stopped, leaseSeconds: app.leaseSeconds, filesystems: app.filesystems)
    }
}

extension EventReport {
    init(_ event: CatalogEvent) {
        self.init(time: event.at, by: event.by, verb: "\(event.verb)", object: event.object, detail: event.detail)
    }
}
