import APISchema
import ArgumentParser
import Foundation
import Primitives
import Router
import Transport

/// `atoll router`: carries packets between the regions of a cluster with network namespaces. `atoll up` starts it.
struct RouterVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "router", abstract: "Carry packets between the network namespaces of a local cluster.", shouldDisplay: false)

    @OptionGroup var cluster: ClusterOptions
    @Flag(help: "End when the standard input has ended and no node runs any more.")
    var endWithInput = false

    func run() throws {
        let directory = ClusterDirectory(cluster.dataDirectory)
        do {
            let router = try PacketRouter(try Self.settings(directory))
            let control = try ControlSocket(in: directory.path)
            try publish(router, directory)
            defer { unlink(directory.router) }
            try router.run(
                control: control, leash: endWithInput ? STDIN_FILENO : nil, isNeeded: { Self.isAnyNodeRunning(directory) },
                answer: { answer($0, router, directory) })
        } catch let error as RouterError {
            throw CommandFailure("router", directory.path, error.description)
        }
    }

    private func answer(_ request: String, _ router: PacketRouter, _ directory: ClusterDirectory) -> String {
        switch request {
        case "reload":
            do {
                try router.update(try Self.settings(directory))
                try publish(router, directory)
                return "ok"
            } catch {
                return "\(error)".replacing("\n", with: " ")
            }
        case "counters":
            let counters = router.counters
            return
                "\(counters.forwarded) packets, \(counters.bytes >> 20) MiB; dropped \(counters.cut) by cuts, \(counters.lost) by loss, "
                + "\(counters.full) by full queues, \(counters.stray + counters.refused) others; at most \(counters.latest / 1_000) µs late"
        default: return "unknown request"
        }
    }

    /// What the cluster's files say now.
    private static func settings(_ directory: ClusterDirectory) throws -> RouterSettings {
        let file = try ClusterFile.require(directory, "router")
        guard case .namespaces(let subnet) = file.network else {
            throw CommandFailure("router", directory.path, "the cluster's nodes are on loopback, not in network namespaces")
        }
        do {
            let rules = try LinkRules(xdr: try LocalFiles.read(directory.linkRules))
            return RouterSettings(
                device: "atoll\(file.id.prefix(8))", subnet: subnet, regions: file.regions.map { RegionID($0) }, rules: rules)
        } catch let error as XDRError {
            throw CommandFailure("router", directory.linkRules, "it is damaged: \(error)", hint: "`atoll fault heal` writes it anew")
        }
    }

    private func publish(_ router: PacketRouter, _ directory: ClusterDirectory) throws {
        let regions = router.namespaces.map { Endpoint(name: $0.region.name, address: $0.path) }
        try ReadyFile(process: .current(), id: 0, endpoints: regions).write(to: directory.router)
    }

    private static func isAnyNodeRunning(_ directory: ClusterDirectory) -> Bool {
        let nodes = (try? ClusterFile.read(directory, "router"))?.nodes ?? []
        return nodes.contains { ReadyFile.read(directory.ready($0.name))?.process.state ?? .gone != .gone }
    }
}
