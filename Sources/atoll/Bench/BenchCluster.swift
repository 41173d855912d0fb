import APIClient
import APISchema
import Foundation
import Primitives

/// A cluster of three node processes in one region, with links as the kernel gives them. The nodes are
/// on a leash: they end with this process, however it ends.
struct BenchCluster: Sendable {
    let directory: ClusterDirectory
    let file: ClusterFile
    let children: [NodeLauncher.Child]

    static let region = "local"
    static let nodeCount = 3

    static func start(in path: String) async throws -> BenchCluster {
        let directory = ClusterDirectory(path)
        let file = try ClusterMaker(directory: directory, regions: [region], nodesPerRegion: nodeCount, mapText: nil).make()
        let launcher = try NodeLauncher(directory: directory, leash: .hold)
        var children: [NodeLauncher.Child] = []
        do {
            for node in file.nodes { children.append(try launcher.start(node)) }
            try await launcher.wait(for: children, bound: .seconds(60))
        } catch {
            await end(children)
            throw error
        }
        return BenchCluster(directory: directory, file: file, children: children)
    }

    /// Runs `body` with a cluster and takes that down, whatever happened.
    static func run<Result: Sendable>(in path: String, _ body: (BenchCluster) async throws -> Result) async throws -> Result {
        let cluster = try await start(in: path)
        do {
            let result = try await body(cluster)
            try cluster.requireAll()
            await cluster.stop()
            return result
        } catch {
            await cluster.stop()
            throw error
        }
    }

    /// Figures of three nodes are figures of three nodes to the end.
    private func requireAll() throws {
        for node in file.nodes where ReadyFile.read(directory.ready(node.name))?.process.state != .running {
            throw CommandFailure("bench raft", node.name, "it ended or was paused while it was measured", hint: "run it again")
        }
    }

    /// In a task of its own: waiting must work where this one was cancelled.
    func stop() async {
        await Task { _ = await Stopper.stop(file, directory) }.value
        await Self.end(children)
    }

    private static func end(_ children: [NodeLauncher.Child]) async {
        await Task {
            // Those that were waited for already are no children any more.
            func isLiving(_ child: NodeLauncher.Child) -> Bool {
                var status: Int32 = 0
                return waitpid(child.pid, &status, WNOHANG) == 0
            }
            var living = children.filter(isLiving)
            for child in living { kill(child.pid, SIGTERM) }
            for _ in 0..<250 where !living.isEmpty {
                try? await Task.sleep(for: .milliseconds(20))
                living = living.filter(isLiving)
            }
            for child in living {
                kill(child.pid, SIGKILL)
                var status: Int32 = 0
                waitpid(child.pid, &status, 0)
            }
        }.value
    }

    /// Requests are not repeated behind the measurement's back.
    func client(_ node: ClusterFile.Node, connections: Int) throws -> APIClient {
        let token = try LocalFiles.text(directory.tokenFile).trimmingCharacters(in: .whitespacesAndNewlines)
        let options = APIClientOptions(
            timeout: .seconds(30), connectTimeout: .seconds(10), retryFor: .zero, connectionLimit: connections)
        return APIClient(address: node.http, token: token, options: options)
    }

    /// The node that leads the group with all three as voters; waits for it, 20 s at most.
    func leader(of group: GroupID) async throws -> ClusterFile.Node {
        let clients = try file.nodes.map { (node: $0, client: try client($0, connections: 4)) }
        defer { Task { for (_, client) in clients { await client.shutdown() } } }
        for _ in 0..<200 {
            for (node, client) in clients {
                guard let report = try? await client.status(), let state = report.groups.first(where: { $0.id == group }) else { continue }
                if state.leader == report.node, state.voters.count == Self.nodeCount { return node }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw CommandFailure(
            "bench raft", "group \(group.rawValue)", "no node leads it with \(Self.nodeCount) voters after 20 s",
            hint: "run it again on a machine with less other work")
    }

    /// Processor time of the three nodes since they began, in nanoseconds (`utime` and `stime` of `/proc/PID/stat`).
    var processorNanoseconds: Int64 {
        let tick = 1_000_000_000 / Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        return children.reduce(0) { sum, child in
            guard let text = try? LocalFiles.text("/proc/\(child.pid)/stat"), let end = text.lastIndex(of: ")") else { return sum }
            let fields = text[text.index(after: end)...].split(separator: " ")
            guard fields.count > 12, let user = Int64(fields[11]), let system = Int64(fields[12]) else { return sum }
            return sum + (user + system) * tick
        }
    }
}
