import Comparison
import Foundation
import Primitives
import Synchronization

/// Breaks the local cluster as `atoll fault` does, and takes back just what it broke: faults of links
/// that were there before stay, nodes that were not running before are not started.
final class LiveFaults: FaultInjector {
    private let file: ClusterFile
    private let directory: ClusterDirectory
    private let operation = "compare"
    private struct Broken {
        var links = false
        var nodes: [ClusterFile.Node] = []
    }
    private let broken = Mutex(Broken())

    init(_ file: ClusterFile, _ directory: ClusterDirectory) {
        self.file = file
        self.directory = directory
    }

    /// Why this cluster is not to be disturbed; nil where it may be.
    static func obstacle(_ file: ClusterFile, _ directory: ClusterDirectory) -> String? {
        if let faults = try? LinkFaults.read(directory), let first = faults.first {
            return "the cluster has a fault already (\(first.words)); `atoll fault heal` mends it"
        }
        let missing = file.nodes.filter { ReadyFile.read(directory.ready($0.name))?.process.state ?? .gone != .running }
        if let first = missing.first {
            return "\(missing.count == 1 ? first.name : "\(missing.count) nodes") of the cluster \(missing.count == 1 ? "is" : "are") not "
                + "running; `atoll up` starts what is missing"
        }
        return nil
    }

    func cutOff(_ region: RegionID) async throws {
        broken.withLock { $0.links = true }
        let fault = LinkFaults.Fault(kind: "isolate", places: [region.name])
        try await LinkFaults.set(try LinkFaults.read(directory) + [fault], file, directory, operation)
    }

    func lose(_ region: RegionID) async throws {
        let victims = file.nodes.compactMap { node -> (ClusterFile.Node, NodeProcess)? in
            guard node.region == region.name, let process = ReadyFile.read(directory.ready(node.name))?.process, process.state != .gone
            else { return nil }
            return (node, process)
        }
        broken.withLock { $0.nodes += victims.map(\.0) }
        for (_, process) in victims { process.signal(SIGKILL) }
        for (node, process) in victims {
            guard await process.waitUntilGone(.seconds(5)) else {
                throw CommandFailure(operation, node.name, "it is still there after 5 s")
            }
        }
    }

    private static let healTries = 5

    func mend() async throws {
        let broken = broken.withLock { $0 }
        var unhealed: (any Error)?
        if broken.links {
            // The fault that was added is the only one there is: with others it would not have begun.
            // Tried again: nodes that were cut off may take a while to answer. The nodes are started in any case.
            for attempt in 1...Self.healTries {
                do {
                    try await LinkFaults.set([], file, directory, operation)
                    unhealed = nil
                    break
                } catch {
                    unhealed = error
                    if attempt < Self.healTries { try? await Task.sleep(for: .seconds(1)) }
                }
            }
        }
        if !broken.nodes.isEmpty {
            var launcher = try NodeLauncher(directory: directory, leash: .join)
            launcher.network = try LiveNetwork.require(file, directory, operation)
            var children: [NodeLauncher.Child] = []
            for node in broken.nodes where ReadyFile.read(directory.ready(node.name))?.process.state ?? .gone == .gone {
                children.append(try launcher.start(node))
            }
            try await launcher.wait(for: children, bound: .seconds(60))
        }
        if let unhealed { throw unhealed }
        self.broken.withLock { $0 = Broken() }
    }
}
