import Foundation
import NodeRuntime
import Primitives
import Transport
import Workloads

/// Adds nodes to the directory of a local cluster: certificates and configurations, and their lines in
/// `cluster.json`, which is written last. They join the cluster when they start.
struct ClusterGrower {
    let directory: ClusterDirectory
    let file: ClusterFile
    /// How many in which region, in order.
    let added: [(region: String, count: Int)]

    func make() throws -> ClusterFile {
        var grown = file
        for (region, count) in added where count > 0 && !grown.regions.contains(region) { grown.regions.append(region) }
        if file.map != "none" { try ClusterMaker.check(try RegionMapFile.read(directory.map), grown.regions) }
        let nodes = try plan()
        grown.nodes += nodes
        grown.nextNode += UInt64(nodes.count)
        do {
            let authority = try ClusterAuthority.load(from: directory.authority)
            for node in nodes {
                // What an attempt left that did not come to its end.
                try? FileManager.default.removeItem(atPath: directory.node(node.name))
                try LocalFiles.makeDirectory(directory.data(node.name), mode: 0o700)
                try authority.issue(node: NodeID(node.id)).save(to: directory.tls(node.name))
                let text = try ClusterMaker.configuration(of: node, in: grown, founders: [])
                try LocalFiles.write(text, to: directory.configuration(node.name))
            }
        } catch let error as TransportError {
            throw CommandFailure("up", directory.path, error.description)
        }
        try grown.write(to: directory.clusterFile)
        return grown
    }

    /// Names go on behind the highest of the region, so that no directory is used twice.
    private func plan() throws -> [ClusterFile.Node] {
        var addresses = try NodeAddresses(file.network, count: added.reduce(0) { $0 + $1.count })
        let regions = file.regions + added.map(\.region).filter { !file.regions.contains($0) }
        var nodes: [ClusterFile.Node] = []
        for (region, count) in added {
            var number = 0
            for _ in 0..<count {
                func name() -> String { "\(region)-\(number)" }
                repeat {
                    number += 1
                } while file.nodes.contains { $0.name == name() } || LocalFiles.exists(directory.data(name()) + "/atoll.json")
                let (peer, gossip, http, nfs) = try addresses.next(region: regions.firstIndex(of: region)!, node: number)
                nodes.append(
                    ClusterFile.Node(
                        id: file.nextNode + UInt64(nodes.count), name: name(), region: region, peer: peer, gossip: gossip, http: http,
                        nfs: nfs))
            }
        }
        return nodes
    }
}
