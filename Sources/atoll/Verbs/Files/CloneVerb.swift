import APIClient
import APISchema
import ArgumentParser
import Filesystem
import Primitives

/// `clone` of either kind, into either kind.
struct VolumeClone: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clone",
        abstract: "Make a file system with the content of a volume, or of a past version of it, without copying content.")
    @Argument(help: "The volume.") var source: String
    @Argument(help: "The name of the new one.") var name: String
    @Option(name: .customLong("at"), help: "Of this version, such as 3 or v3.") var version: String?
    @OptionGroup var clone: CloneArguments
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        let verb = FilesystemVerb(kind: .volume, verb: "clone", target: target)
        let version = try version.map { try VersionText.read($0, verb.operation) }
        try await verb.clone(source, name, version: version, clone, json: output.json)
    }
}

struct NFSClone: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clone", abstract: "Make a file system with the content of a network file system, without copying content.")
    @Argument(help: "The network file system.") var source: String
    @Argument(help: "The name of the new one.") var name: String
    @OptionGroup var clone: CloneArguments
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        try await FilesystemVerb(kind: .nfs, verb: "clone", target: target).clone(source, name, version: nil, clone, json: output.json)
    }
}

/// What a clone shall be.
struct CloneArguments: ParsableArguments {
    @Option(name: .customLong("to"), help: "Its kind: nfs or volume (default: that of the source).") var kind: String?
    @Option(help: "Its primary or home region (default: that of the source).") var home: String?
    @Option(help: "Of a volume: region, majority (default) or all.") var durability: String?
}

extension FilesystemVerb {
    func clone(_ source: String, _ name: String, version: VersionID?, _ wanted: CloneArguments, json: Bool) async throws {
        guard let to = wanted.kind.map({ word in FilesystemKind.allCases.first { $0.word == word } }) ?? kind else {
            throw CommandFailure.usage(operation, "--to \(wanted.kind ?? "")", "say nfs or volume")
        }
        try await run { connection in
            let found = try await find(source, connection)
            let new = NewFilesystem(
                kind: to, name: name, environment: target.environment, region: wanted.home.map { RegionID($0) } ?? found.region,
                durability: wanted.durability)
            let report: FilesystemReport
            do {
                report = try await connection.client.clone(found.id, version: version, as: new)
            } catch let failure as FileFailure where failure.object.contains(found.id.description) || failure.object == "catalog" {
                report = try await FailureNames(found, operation).run { throw failure }
            }
            guard !json else { return Show.json { report.write(to: &$0) } }
            let what = version.map { " at \($0)" } ?? ""
            Terminal.line("Cloned \(kind.noun) '\(source)'\(what) into \(to.noun) '\(name)' (\(report.id)).")
            Terminal.line("It is kept in \(report.location): \(report.durability).")
        }
    }
}
