import APIClient
import APISchema
import ArgumentParser
import Filesystem
import Foundation
import Transport

/// `atoll keys rotate`: a new key in the place of the old one, without a moment in which one node seals with what another
/// one cannot open. Three steps, each on all nodes before the next: add, use, remove.
struct KeysRotate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Replace the gossip key of a local cluster; with --authority take the file of a cluster elsewhere one step further.")
    @OptionGroup var cluster: ClusterOptions
    @Option(help: ArgumentHelp("The directory that `atoll ca init` made, of a cluster on other machines.", valueName: "dir"))
    var authority: String?

    func validate() throws {
        guard authority == nil || cluster.dataDirectory == nil else {
            throw ValidationError("--authority and --data-dir name two clusters: say one of them")
        }
    }

    func run() async throws {
        if let authority { return try takeStep("\(authority)/gossip-keys") }
        let directory = ClusterDirectory(cluster.dataDirectory)
        try await directory.locked("keys rotate") {
            let file = try ClusterFile.require(directory, "keys rotate")
            let nodes = ClusterNodes(file, directory)
            // What an attempt that broke off has written may not be known everywhere.
            try await tell(nodes, directory)
            var isOver: Bool
            repeat {
                isOver = try advance(directory.gossipKey).isOver
                try await tell(nodes, directory)
            } while !isOver
            let after = try load(directory.gossipKey).primary.id
            Terminal.line("Gossip is sealed with key \(after) now, and no older key opens it any more.")
        }
    }

    private func advance(_ path: String) throws -> (step: KeyRing.Step, isOver: Bool) {
        var ring = try load(path)
        do throws(TransportError) {
            let step = try ring.advance()
            try ring.save(to: path)
            return (step, ring.isSettled(by: step))
        } catch { throw CommandFailure("keys rotate", path, error.description) }
    }

    private func load(_ path: String) throws -> KeyRing {
        do { return try KeyRing.load(from: path) } catch { throw CommandFailure("keys rotate", path, error.description) }
    }

    /// Every node that runs reads the file again. One that is stopped reads it when it starts.
    private func tell(_ nodes: ClusterNodes, _ directory: ClusterDirectory) async throws {
        let wanted = try load(directory.gossipKey).keys.map(\.id)
        let told = await nodes.ask { client in try await client.reloadGossipKeys() }
        let missed = nodes.nodes.filter { node in
            ReadyFile.read(directory.ready(node.name))?.process.state ?? .gone != .gone
                && told.first { $0.node.id == node.id }?.answer.opens != wanted
        }
        guard missed.isEmpty else {
            throw CommandFailure(
                "keys rotate", missed.map(\.name).joined(separator: ", "),
                "it did not read its keys again; all nodes understand each other still",
                hint: "resume or restart it, then repeat the command")
        }
    }

    private func takeStep(_ path: String) throws {
        let (step, isOver) = try advance(path)
        let (number, what) =
            switch step {
            case .added(let id): (1, "key \(id) is added; nobody seals with it yet")
            case .used(let id): (2, "key \(id) is the one that seals")
            case .removed(let id): (3, "key \(id) is removed")
            }
        Terminal.line("Step \(number) of 3: \(what).")
        Terminal.line("Next: copy \(path) to every node, run `atoll keys reload`, and see with `atoll keys list` that all have it.")
        Terminal.line(
            isOver ? "Then the rotation is over." : "Then repeat this command. Not before: nodes would not understand each other.")
    }
}
