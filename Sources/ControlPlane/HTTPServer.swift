internal import APISchema
package import Filesystem
internal import Hummingbird
package import Logging
internal import NIOCore
package import NodeRuntime
internal import ServiceLifecycle
internal import Synchronization

/// The HTTP server of a node: API v1, `/healthz` and `/metrics`, by Hummingbird.
///
/// `start` returns when the port is bound, `stop` when the requests in progress are answered or the
/// bound has passed. Routes are data (`APIRoute`); the served OpenAPI document is made from the same table.
package final class HTTPServer: Sendable {
    /// The port that it listens on.
    package let port: Int
    private let group: ServiceGroup
    private let running: Task<Void, any Error>

    private init(port: Int, group: ServiceGroup, running: Task<Void, any Error>) {
        self.port = port
        self.group = group
        self.running = running
    }

    package static func start(
        service: any NodeService, configuration: HTTPServerConfiguration, logger: Logger
    ) async throws(FileFailure) -> HTTPServer {
        let (ports, announce) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
        var quiet = logger
        // Hummingbird tells of its own start on `info`; the node does that itself.
        quiet.logLevel = max(logger.logLevel, .warning)
        let application = Application(
            responder: APIResponder(service: service, configuration: configuration, logger: logger),
            server: .http1(configuration: .init(idleTimeout: .seconds(Int64(configuration.idleSeconds)))),
            configuration: .init(address: .hostname(configuration.host, port: configuration.port), backlog: 1_024),
            onServerRunning: { channel in
                announce.yield(channel.localAddress?.port ?? 0)
                announce.finish()
            },
            logger: quiet)
        let group = ServiceGroup(configuration: .init(services: [application], gracefulShutdownSignals: [], logger: quiet))
        let running = Task {
            defer { announce.finish() }
            try await group.run()
        }
        for await port in ports { return HTTPServer(port: port, group: group, running: running) }
        throw await failure(of: running, configuration)
    }

    private static func failure(of running: Task<Void, any Error>, _ configuration: HTTPServerConfiguration) async -> FileFailure {
        let place = "\(configuration.host):\(configuration.port)"
        do {
            try await running.value
            return FileFailure(.ioError, operation: "listen", object: place, cause: "the server ended at once")
        } catch let error as IOError where error.errnoCode == 98 {
            return FileFailure(
                .busy, operation: "listen", object: place, cause: "the port is in use",
                hint: "stop the other program or choose another http port")
        } catch {
            return FileFailure(
                .ioError, operation: "listen", object: place, cause: "\(error)", hint: "check the http address in the configuration")
        }
    }

    /// Takes no new connections, waits for the requests in progress, and at most `within`.
    package func stop(within: Duration = .seconds(5)) async {
        await group.triggerGracefulShutdown()
        let running = running
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { _ = try? await running.value }
            tasks.addTask {
                try? await Task.sleep(for: within)
                if !Task.isCancelled { running.cancel() }
            }
            await tasks.next()
            tasks.cancelAll()
        }
    }

    /// Waits until it ended, by `stop` or by an error.
    package func wait() async throws { try await running.value }
}
