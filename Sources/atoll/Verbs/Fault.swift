import APIClient
import APISchema
import ArgumentParser
import Filesystem
import Foundation
import Primitives
import Transport
import Workloads

/// `atoll fault …`: makes things go wrong on a local cluster.
struct Fault: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Break and mend links and nodes of the local cluster.",
        subcommands: [
            FaultPartition.self, FaultIsolate.self, FaultSlow.self, FaultHeal.self, FaultKill.self, FaultRestart.self, FaultPause.self,
            FaultResume.self,
        ])
}

struct FaultPartition: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "partition", abstract: "Cut two regions off from each other.")
    @Argument var a: String
    @Argument var b: String
    @OptionGroup var cluster: ClusterOptions
    func run() async throws { try await LinkFaults.add(.init(kind: "partition", places: [a, b]), cluster, "fault partition") }
}

struct FaultIsolate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "isolate", abstract: "Cut a region off from all others.")
    @Argument var region: String
    @OptionGroup var cluster: ClusterOptions
    func run() async throws { try await LinkFaults.add(.init(kind: "isolate", places: [region]), cluster, "fault isolate") }
}

struct FaultSlow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "slow", abstract: "Add round-trip time and loss between two regions.")
    @Argument var a: String
    @Argument var b: String
    @Option(help: "Milliseconds that come to the round trip, 0 to 10,000.")
    var rtt: Double = 0
    @Option(help: "Probability of loss each way, 0 to 1.")
    var loss: Double = 0
    @OptionGroup var cluster: ClusterOptions

    func validate() throws {
        guard (0...10_000).contains(rtt) else { throw ValidationError("--rtt must be 0 to 10,000 milliseconds") }
        guard (0...1).contains(loss) else { throw ValidationError("--loss must be 0 to 1") }
        guard rtt > 0 || loss > 0 else { throw ValidationError("say --rtt or --loss") }
    }

    func run() async throws {
        try await LinkFaults.add(.init(kind: "slow", places: [a, b], roundTripMilliseconds: rtt, loss: loss), cluster, "fault slow")
    }
}

struct FaultHeal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "heal", abstract: "Take all faults of links away, and let paused nodes go on.")
    @OptionGroup var cluster: ClusterOptions
    func run() async throws {
        let directory = ClusterDirectory(cluster.dataDirectory)
        let file = try ClusterFile.require(directory, "fault heal")
        try await LinkFaults.requireToken(file, directory, "fault heal")
        for node in file.nodes {
            if let process = ReadyFile.read(directory.ready(node.name))?.process, process.state == .paused { process.signal(SIGCONT) }
        }
        try await LinkFaults.set([], file, directory, "fault heal")
        Terminal.line("All links are as the map says.")
    }
}

/// The faults of links that hold now: kept in a file, because nodes that start later must know them too.
struct LinkFaults {
    struct Fault: Hashable, JSONEncodable {
        /// `partition`, `isolate` or `slow`.
        var kind: String
        var places: [String]
        var roundTripMilliseconds = 0.0
        var loss = 0.0

        func write(to writer: inout JSONWriter) {
            writer.object {
                $0.field("kind", kind)
                $0.field("places", strings: places)
                $0.field("rtt_ms", roundTripMilliseconds)
                $0.field("loss", loss)
            }
        }

        func apply(to rules: inout LinkRules) {
            switch kind {
            case "partition": rules.partition(RegionID(places[0]), RegionID(places[1]))
            case "isolate": rules.isolate(RegionID(places[0]))
            default:
                rules.slow(
                    RegionID(places[0]), RegionID(places[1]), roundTrip: .microseconds(Int64(roundTripMilliseconds * 1_000)), loss: loss)
            }
        }

        var words: String {
            switch kind {
            case "partition": "\(places[0]) and \(places[1]) are cut off from each other"
            case "isolate": "\(places[0]) is cut off from all other regions"
            default: "\(places[0])–\(places[1]) has \(roundTripMilliseconds) ms more round trip and loses \(loss * 100) % each way"
            }
        }
    }

    static func add(_ fault: Fault, _ options: ClusterOptions, _ operation: String) async throws {
        let directory = ClusterDirectory(options.dataDirectory)
        let file = try ClusterFile.require(directory, operation)
        for place in fault.places where !file.regions.contains(place) { throw file.unknownRegion(place, operation) }
        guard Set(fault.places).count == fault.places.count else {
            throw CommandFailure.usage(operation, fault.places[0], "both ends are the same region")
        }
        var faults = try read(directory)
        if !faults.contains(fault) { faults.append(fault) }
        try await set(faults, file, directory, operation)
        Terminal.line("Now \(fault.words). `atoll fault heal` mends it.")
    }

    static func read(_ directory: ClusterDirectory) throws -> [Fault] {
        guard LocalFiles.exists(directory.faults) else { return [] }
        let json = try JSONParser.parse(try LocalFiles.read(directory.faults))
        return try json.rows("faults") { json throws(FileFailure) in
            Fault(
                kind: try json.string("kind"), places: try json.strings("places"), roundTripMilliseconds: try json.real("rtt_ms"),
                loss: try json.real("loss"))
        }
    }

    /// What can not be told to the nodes must not be written either. A router takes no token.
    static func requireToken(_ file: ClusterFile, _ directory: ClusterDirectory, _ operation: String) async throws {
        guard file.network == .loopback else { return }
        let nodes = ClusterNodes(file, directory)
        let asked = await nodes.poll { client in try await client.status() }
        guard asked.refused.isEmpty else { throw nodes.refusal(operation) }
    }

    /// Writes the file and the rules, and tells every running node. A node that can not be told (it is
    /// paused or dead) reads the rules when it starts.
    static func set(_ faults: [Fault], _ file: ClusterFile, _ directory: ClusterDirectory, _ operation: String) async throws {
        try await requireToken(file, directory, operation)
        let map = LocalFiles.exists(directory.map) && file.map != "none" ? try RegionMapFile.read(directory.map) : nil
        var rules = RegionMapFile.rules(map, file)
        for fault in faults { fault.apply(to: &rules) }
        let bytes = rules.xdrBytes
        try LocalFiles.write(JSONWriter.text { writer in writer.object { $0.field("faults", faults) } } + "\n", to: directory.faults)
        try LocalFiles.write(bytes, to: directory.linkRules)
        guard file.network == .loopback else { return try LiveNetwork.reload(directory, operation) }
        let told = await ClusterNodes(file, directory).ask { client in try await client.putLinkRules(bytes) }
        let names = told.map(\.node.name)
        let missed = file.nodes.filter { node in
            !names.contains(node.name) && ReadyFile.read(directory.ready(node.name))?.process.state ?? .gone != .gone
        }
        guard missed.isEmpty else {
            let isPaused = missed.allSatisfy { ReadyFile.read(directory.ready($0.name))?.process.state == .paused }
            throw CommandFailure(
                operation, missed.map(\.name).joined(separator: ", "),
                isPaused
                    ? "paused, and so not told of it; the others have the new rules"
                    : "no answer within two seconds; the others have the new rules",
                hint: "`atoll fault \(isPaused ? "resume" : "restart") \(missed[0].name)`, then repeat the command")
        }
    }
}
