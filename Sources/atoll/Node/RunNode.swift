import APISchema
import CDispatch
import ControlPlane
import Filesystem
import Foundation
import Logging
import NFSServer
import NodeRuntime
import Primitives

/// Runs a node with its HTTP server until it is told to end, then stops taking requests, hands over
/// what it leads and leaves. Errors at the start end it at once, with one line.
func runNode(_ config: NodeConfig, readyFile: String? = nil, endsWithInput: Bool = false) async throws {
    var logger = Logger(label: "atoll")
    logger[metadataKey: "node"] = "\(config.node.name)"
    logger[metadataKey: "region"] = "\(config.node.region)"
    let token = try readToken(config.adminTokenFile)
    let stop = StopRequest(endsWithInput: endsWithInput)
    let node = try await LiveNode.start(config: config, logger: logger)
    let server: HTTPServer
    do {
        server = try await HTTPServer.start(service: node, configuration: serverSettings(config, token: token), logger: logger)
    } catch {
        await node.shutdown()
        throw error
    }
    let nfs: NFSServer?
    do {
        nfs = try await startNFS(node, config, logger)
    } catch {
        await server.stop(within: .milliseconds(100))
        await node.shutdown()
        throw error
    }
    let running = Task { try await node.run() }
    await node.ready(within: .seconds(8))
    if let readyFile {
        var endpoints = node.endpoints.map { Endpoint(name: $0.name, address: $0.address) }.filter { $0.name != "http" }
        endpoints.append(Endpoint(name: "http", address: HostPort(host: config.advertisedHost, port: server.port).description))
        try ReadyFile(process: .current(), id: config.node.id, endpoints: endpoints).write(to: readyFile)
    }
    logger.notice("ready", metadata: ["http": "\(HostPort(host: config.listen.host, port: server.port))"])

    let ended = await withTaskGroup(of: Result<String, any Error>.self) { group in
        group.addTask { .success(await stop.wait()) }
        group.addTask {
            do {
                try await running.value
                return .success("the node ended")
            } catch {
                return .failure(error)
            }
        }
        let first = await group.next() ?? .success("")
        group.cancelAll()
        if case .success = first {
            await nfs?.stop()
            // Requests in progress need the node; it is drained while the server takes no more.
            await node.drain(within: .seconds(3))
            await server.stop(within: .seconds(3))
            await node.shutdown()
        } else {
            await server.stop(within: .milliseconds(100))
        }
        running.cancel()
        return first
    }
    if let readyFile { unlink(readyFile) }
    logger.notice("ended", metadata: ["cause": "\((try? ended.get()) ?? "error")"])
    _ = try ended.get()
}

/// The NFS server, where the configuration wants one.
private func startNFS(_ node: LiveNode, _ config: NodeConfig, _ logger: Logger) async throws -> NFSServer? {
    guard let settings = config.nfs else { return nil }
    let configuration = NFSServerConfiguration(
        host: config.listen.host, settings: settings, identity: "atoll \(config.cluster.id) n\(config.node.id)",
        scope: "atoll \(config.cluster.id)")
    let server = try await NFSServer.start(service: node, configuration: configuration, logger: logger)
    node.addMetrics { server.metrics }
    node.announce("nfs", address: HostPort(host: config.advertisedHost, port: server.port).description)
    return server
}

private func readToken(_ path: String) throws -> String {
    var status = stat()
    guard stat(path, &status) == 0 else { throw LocalFiles.failure("read", path) }
    guard status.st_mode & 0o077 == 0 else {
        throw CommandFailure(
            "read", path, "its mode lets others read this secret", hint: "run chmod 600 on it, and make a new one if it may have been read")
    }
    let token = try LocalFiles.text(path).trimmingCharacters(in: .whitespacesAndNewlines)
    guard token.utf8.count >= 16, token.utf8.count <= 256 else {
        throw CommandFailure("read", path, "a token has 16 to 256 characters", hint: "make one with `atoll ca init`")
    }
    return token
}

private func serverSettings(_ config: NodeConfig, token: String) -> HTTPServerConfiguration {
    HTTPServerConfiguration(
        host: config.listen.host, port: config.listen.http, adminTokenHash: SHA256.hash(Array(token.utf8)),
        openMetrics: config.http.openMetrics,
        allowFaults: config.http.allowFaults, requestLimit: config.http.requestLimit, windowBytes: config.http.windowBytes,
        windowsInFlight: config.http.windowsInFlight)
}
