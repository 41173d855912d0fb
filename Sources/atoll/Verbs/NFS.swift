import APIClient
import APISchema
import ArgumentParser
import Filesystem
import Primitives

/// `atoll nfs …`: network file systems.
struct NFS: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nfs", abstract: "Network file systems: one primary region, locks, close-to-open.",
        subcommands: [
            NFSCreate.self, NFSList.self, NFSLs.self, NFSPut.self, NFSGet.self, NFSRm.self, NFSCp.self, NFSRename.self, NFSDelete.self,
            NFSClone.self, NFSClients.self, NFSLocks.self,
        ])
}

struct NFSCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Create a network file system.")
    @Argument(help: "1 to 64 of A-Z a-z 0-9 - _ .") var name: String
    @Option(help: "The region where it lives (default: that of --region).") var primary: String?
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        try await FilesystemVerb(kind: .nfs, verb: "create", target: target).create(
            name, region: primary, durability: nil, json: output.json)
    }
}

struct NFSList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List network file systems and where they live.")
    @Flag(help: "Those of all environments.") var allEnvironments = false
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        try await FilesystemVerb(kind: .nfs, verb: "list", target: target).list(allEnvironments: allEnvironments, json: output.json)
    }
}

struct NFSLs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List a directory.")
    @Argument var name: String
    @Argument var path = "/"
    @OptionGroup var distance: DistanceOptions
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        try await FilesystemVerb(kind: .nfs, verb: "ls", target: target, requireLocal: distance.requireLocal).list(
            name, path, version: nil, json: output.json)
    }
}

struct NFSPut: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "put", abstract: "Store a file or directory; whole files appear at once.")
    @Argument var name: String
    @Argument(help: "A file, a directory, or - for the standard input.") var local: String
    @Argument(help: "A path; with / at its end the name is kept.") var remote = "/"
    @OptionGroup var distance: DistanceOptions
    @OptionGroup var target: TargetOptions
    func run() async throws {
        let verb = FilesystemVerb(kind: .nfs, verb: "put", target: target, requireLocal: distance.requireLocal)
        let put = PutVerb(verb: verb, name: name, local: local, remote: remote, force: true, commit: CommitOptions(), stage: nil)
        try put.check()
        try await verb.run { connection in
            let stored = try await put.run(try await verb.find(name, connection), connection)
            Terminal.line("Wrote \(stored.bytes) bytes in \(stored.files) \(stored.files == 1 ? "file" : "files").")
        }
    }
}

struct NFSGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Fetch a file, a directory, or what a glob matches (** for all).")
    @Argument var name: String
    @Argument(help: "A path; * and ** are taken.") var remote: String
    @Argument(help: "A file or directory, or - for the standard output.") var local = "."
    @Flag(name: [.customShort("f"), .long], help: "Replace existing local files.") var force = false
    @OptionGroup var distance: DistanceOptions
    @OptionGroup var target: TargetOptions
    func run() async throws {
        let verb = FilesystemVerb(kind: .nfs, verb: "get", target: target, requireLocal: distance.requireLocal)
        try await verb.run { connection in
            try await verb.session(try await verb.find(name, connection), connection, readOnly: true) { files in
                try await GetVerb(verb: verb, remote: remote, local: local, force: force).run(files, say: local != "-")
            }
        }
    }
}

struct NFSRm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rm", abstract: "Remove a file or directory.")
    @Argument var name: String
    @Argument var path: String
    @Flag(name: [.customShort("r"), .long], help: "Directories too, with all that is in them.") var recursive = false
    @OptionGroup var distance: DistanceOptions
    @OptionGroup var target: TargetOptions
    func run() async throws {
        try await FilesystemVerb(kind: .nfs, verb: "rm", target: target, requireLocal: distance.requireLocal).remove(
            name, path, recursive: recursive, commit: CommitOptions())
    }
}

struct NFSCp: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "cp", abstract: "Copy within a file system, without moving bytes.")
    @Argument var name: String
    @Argument(help: "What to copy, and last where to.") var paths: [String]
    @Flag(name: [.customShort("r"), .long], help: "Directories too.") var recursive = false
    @OptionGroup var distance: DistanceOptions
    @OptionGroup var target: TargetOptions
    func run() async throws {
        try await FilesystemVerb(kind: .nfs, verb: "cp", target: target, requireLocal: distance.requireLocal).copy(
            name, paths, recursive: recursive, commit: CommitOptions())
    }
}

struct NFSRename: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rename", abstract: "Give a network file system another name.")
    @Argument var old: String
    @Argument var new: String
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var target: TargetOptions
    func run() async throws { try await FilesystemVerb(kind: .nfs, verb: "rename", target: target).rename(old, to: new, yes: confirm.yes) }
}

struct NFSDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete a network file system and all its data.")
    @Argument var name: String
    @Flag(help: "Succeed where there is none.") var allowMissing = false
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var target: TargetOptions
    func run() async throws {
        try await FilesystemVerb(kind: .nfs, verb: "delete", target: target).delete(name, allowMissing: allowMissing, yes: confirm.yes)
    }
}

extension GetVerb {
    func run(_ files: Files, say: Bool) async throws {
        let got = try await run(files)
        if say { Terminal.line("Fetched \(got.bytes) bytes in \(got.files) \(got.files == 1 ? "file" : "files").") }
    }
}
