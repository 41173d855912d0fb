import APISchema
import Foundation
import Primitives
import Router
import Transport

/// The running router of a cluster whose regions are network namespaces: `router.json`, which it writes.
struct LiveNetwork: Sendable {
    let process: NodeProcess
    /// Where each region's namespace can be opened, by the region's name.
    let namespaces: [Endpoint]

    /// Nil where none runs.
    static func running(_ directory: ClusterDirectory) -> LiveNetwork? {
        guard let ready = ReadyFile.read(directory.router), ready.process.state != .gone else { return nil }
        return LiveNetwork(process: ready.process, namespaces: ready.endpoints)
    }

    /// Nil where the cluster's nodes are on loopback.
    static func require(_ file: ClusterFile, _ directory: ClusterDirectory, _ operation: String) throws -> LiveNetwork? {
        guard case .namespaces = file.network else { return nil }
        guard let network = running(directory) else {
            throw CommandFailure(operation, "", "the router of this cluster does not run", hint: "`atoll down`, then `atoll up`")
        }
        return network
    }

    /// A node's HTTP address; nil where the router is gone that leads there: without its route requests, and the
    /// token with them, would leave this machine for whoever has that address elsewhere.
    static func http(_ ready: ReadyFile, _ directory: ClusterDirectory) -> String? {
        guard let http = ready.endpoint("http") else { return nil }
        return http.hasPrefix("127.") || running(directory) != nil ? http : nil
    }

    func namespace(_ region: String, _ operation: String) throws -> String {
        guard let found = namespaces.first(where: { $0.name == region }) else {
            throw CommandFailure(operation, region, "the router has no such region", hint: "`atoll down`, then `atoll up`")
        }
        return found.address
    }

    /// Where network namespaces can not be had: said before anything is made or started.
    static func check(_ operation: String) throws {
        guard let obstacle = NetworkNamespace.obstacle() else { return }
        throw CommandFailure(operation, "--network namespaces", obstacle.cause, hint: obstacle.hint)
    }

    /// A range of addresses that nothing on this machine uses.
    static func freeSubnet(_ operation: String) throws -> Subnet {
        let used = AddressRange.inUse()
        let free = (64...254).map { Subnet(number: UInt8($0)) }.filter { subnet in !used.contains { $0.overlaps(subnet) } }
        guard let subnet = free.randomElement() else {
            throw CommandFailure(
                operation, "--network namespaces", "this machine uses all of 10.64.0.0/16 to 10.254.0.0/16: \(used.prefix(3))",
                hint: "free one of these ranges")
        }
        return subnet
    }

    // MARK: The router's life

    /// Starts the router and waits until its devices are there.
    static func start(_ file: ClusterFile, _ directory: ClusterDirectory, _ launcher: NodeLauncher) async throws -> LiveNetwork {
        unlink(directory.router)
        let words = ["router", "--data-dir", directory.path] + (launcher.isLeashed ? ["--end-with-input"] : [])
        let pid = try launcher.spawn(words, name: "router", log: directory.routerLog, namespace: nil)
        let clock = ContinuousClock()
        let end = clock.now + .seconds(20)
        while true {
            if let network = running(directory), network.process.pid == pid { return network }
            var status: Int32 = 0
            if waitpid(pid, &status, WNOHANG) == pid {
                let last = NodeLauncher.lastLines(directory.routerLog, 1).first ?? ""
                let cause = last.hasPrefix("atoll: ") ? String(last.dropFirst("atoll: ".count)) : "it \(NodeLauncher.words(status))"
                throw CommandFailure("start", "router", cause, hint: "see \(directory.routerLog)")
            }
            guard clock.now < end, !Task.isCancelled else {
                kill(pid, SIGKILL)
                waitpid(pid, &status, 0)
                throw CommandFailure("start", "router", "not ready within 20 s", hint: "see \(directory.routerLog)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Lets a running router take `cluster.json` and the link rules as they are now.
    static func reload(_ directory: ClusterDirectory, _ operation: String) throws {
        guard running(directory) != nil else { return }
        do {
            let answer = try ControlSocket.ask("reload", in: directory.path)
            guard answer == "ok" else { throw CommandFailure(operation, "router", answer, hint: "see \(directory.routerLog)") }
        } catch let error as RouterError {
            throw CommandFailure(operation, "router", error.description, hint: "`atoll down`, then `atoll up`")
        }
    }

    /// What it has carried, in words; nil where it does not answer.
    static func counters(_ directory: ClusterDirectory) -> String? { try? ControlSocket.ask("counters", in: directory.path) }

    /// Ends the router, and with it devices and namespaces. False where it had to be killed.
    @discardableResult static func stop(_ directory: ClusterDirectory) async -> Bool {
        guard let network = running(directory) else { return true }
        network.process.signal(SIGTERM)
        network.process.signal(SIGCONT)
        if await network.process.waitUntilGone(.seconds(5)) { return true }
        network.process.signal(SIGKILL)
        _ = await network.process.waitUntilGone(.seconds(5))
        return false
    }
}
