import Foundation
import NodeRuntime
import Primitives
import Router
import Transport
import Workloads
import Yams

/// Makes the directory of a new local cluster: identity, authority, certificates, gossip key, admin
/// token, link rules, and a configuration per node. Nothing is started. The file `cluster.json` is
/// written last: without it there is no cluster, and the next attempt begins anew.
struct ClusterMaker {
    let directory: ClusterDirectory
    let regions: [String]
    let nodesPerRegion: Int
    /// Nil for `none`.
    let mapText: String?
    var network = ClusterFile.Network.loopback

    /// Whether the regions are in the map.
    func check() throws { _ = try checkedMap() }

    private func checkedMap() throws -> RegionMap? {
        let map = try mapText.map { try RegionMapFile.parse($0, name: "map") }
        if let map { try Self.check(map, regions) }
        return map
    }

    func make() throws -> ClusterFile {
        let map = try checkedMap()
        try LocalFiles.makeDirectory(directory.path, mode: 0o700)
        let clusterID = Base62.encode(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
        let nodes = try plan()
        do {
            let authority = try ClusterAuthority.create(clusterID: clusterID)
            try authority.save(to: directory.authority)
            try KeyRing.create().save(to: directory.gossipKey)
            let token = "atoll-" + Hex.encode(try randomBytes(32))
            try LocalFiles.write(token + "\n", to: directory.tokenFile, secret: true)
            for node in nodes {
                try LocalFiles.makeDirectory(directory.data(node.name), mode: 0o700)
                try authority.issue(node: NodeID(node.id)).save(to: directory.tls(node.name))
            }
        } catch let error as TransportError {
            throw CommandFailure("up", directory.path, error.description)
        }
        if let mapText { try LocalFiles.write(mapText, to: directory.map) }
        let cluster = ClusterFile(
            id: clusterID, name: "local", regions: regions, map: map?.name ?? "none", network: network, nodes: nodes,
            nextNode: UInt64(nodes.count) + 1)
        try LocalFiles.write(RegionMapFile.rules(map, cluster).xdrBytes, to: directory.linkRules)
        for node in nodes {
            let text = try Self.configuration(of: node, in: cluster, founders: nodes)
            try LocalFiles.write(text, to: directory.configuration(node.name))
        }
        try cluster.write(to: directory.clusterFile)
        return cluster
    }

    static func check(_ map: RegionMap, _ regions: [String]) throws {
        do {
            for region in regions { _ = try map.region(named: region) }
        } catch {
            throw CommandFailure.usage("up", "--regions", error.description)
        }
    }

    /// One node of each region first, so that the numbers spread.
    private func plan() throws -> [ClusterFile.Node] {
        var addresses = try NodeAddresses(network, count: regions.count * nodesPerRegion)
        var nodes: [ClusterFile.Node] = []
        for index in 1...nodesPerRegion {
            for (place, region) in regions.enumerated() {
                let (peer, gossip, http, nfs) = try addresses.next(region: place, node: index)
                nodes.append(
                    ClusterFile.Node(
                        id: UInt64(nodes.count) + 1, name: "\(region)-\(index)", region: region, peer: peer, gossip: gossip, http: http,
                        nfs: nfs))
            }
        }
        return nodes
    }

    /// A node that is none of the founders joins by the others, and may begin a region. Paths are relative to the
    /// configuration, so that the cluster's directory can be moved.
    static func configuration(of node: ClusterFile.Node, in cluster: ClusterFile, founders: [ClusterFile.Node]) throws -> String {
        // As seen from nodes/NAME.
        let directory = ClusterDirectory(relative: "../..")
        var config = NodeConfig(
            node: .init(id: node.id, name: node.name, region: node.region), cluster: .init(id: cluster.id, name: cluster.name),
            dataDirectory: "data", tlsDirectory: "tls", gossipKeyFile: directory.gossipKey, adminTokenFile: directory.tokenFile)
        config.listen.host = HostPort(node.peer)?.host ?? "127.0.0.1"
        config.listen.peer = HostPort(node.peer)?.port ?? 0
        config.listen.gossip = HostPort(node.gossip)?.port ?? 0
        config.listen.http = HostPort(node.http)?.port ?? 0
        config.node.newRegion = founders.isEmpty
        config.bootstrap = founders.map {
            NodeConfig.Member(id: $0.id, name: $0.name, region: $0.region, peer: $0.peer, gossip: $0.gossip, http: $0.http)
        }
        config.seeds = cluster.nodes.filter { $0 != node }.prefix(64).map(\.peer)
        config.http.openMetrics = true
        // Only this machine reaches it, and mounting takes its root: its users are believed.
        config.nfs = NFSSettings(port: HostPort(node.nfs)?.port ?? 0)
        config.nfs?.squash = "none"
        // Between namespaces links are the router's, and nodes shape nothing on top.
        if cluster.network == .loopback {
            config.linkRulesFile = directory.linkRules
            config.http.allowFaults = true
        }
        let encoder = YAMLEncoder()
        encoder.options.sortKeys = true
        return "# A node of a local cluster, made by `atoll up`.\n" + (try encoder.encode(config))
    }
}
