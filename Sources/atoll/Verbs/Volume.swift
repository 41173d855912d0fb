import APIClient
import APISchema
import ArgumentParser
import Filesystem
import Primitives

/// `atoll volume …`: volumes.
struct Volume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume", abstract: "Volumes: replicated to every region, published by commits.",
        subcommands: [
            VolumeCreate.self, VolumeList.self, VolumeLs.self, VolumePut.self, VolumeGet.self, VolumeRm.self, VolumeCp.self,
            VolumeRename.self,
            VolumeDelete.self, VolumeCommit.self, VolumeReload.self, VolumeHistory.self, VolumeDiff.self, VolumeRollback.self,
            VolumeConflicts.self, VolumeStatus.self, VolumeClone.self,
        ])
}

struct VolumeCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Create a volume.")
    @Argument(help: "1 to 64 of A-Z a-z 0-9 - _ .") var name: String
    @Option(help: "Its home region, where its leader is wanted (default: that of --region).") var home: String?
    @Option(
        help: """
            When a commit counts: region, majority (default), all, or bounded: as majority, and commits fail while a region lags by more \
            than --max-lag or --max-lag-bytes.
            """) var durability: String?
    @Option(parsing: .unconditional, help: "Of bounded: seconds, 0.1 to 86400.") var maxLag: Double?
    @Option(help: "Of bounded: bytes of content.") var maxLagBytes: UInt64?
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        if let maxLag, !(0.1...86_400).contains(maxLag) {
            throw CommandFailure.usage("volume create", "--max-lag \(maxLag)", "it takes 0.1 to 86400 seconds")
        }
        guard durability.map({ ["region", "majority", "all", "bounded"].contains($0) }) ?? true else {
            throw CommandFailure.usage("volume create", "--durability \(durability ?? "")", "it is region, majority, all or bounded")
        }
        guard (durability == "bounded") == (maxLag != nil || maxLagBytes != nil) else {
            throw CommandFailure.usage(
                "volume create", "--durability \(durability ?? "majority")",
                "bounded goes with --max-lag or --max-lag-bytes, and they with it")
        }
        try await FilesystemVerb(kind: .volume, verb: "create", target: target).create(
            name, region: home, durability: durability, maximumLag: maxLag, maximumLagBytes: maxLagBytes, json: output.json)
    }
}

struct VolumeList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List volumes.")
    @Flag(help: "Those of all environments.") var allEnvironments = false
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        try await FilesystemVerb(kind: .volume, verb: "list", target: target).list(allEnvironments: allEnvironments, json: output.json)
    }
}

struct VolumeLs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List a directory.")
    @Argument var name: String
    @Argument var path = "/"
    @Option(help: "As it was in this version.") var at: String?
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        let version = try at.map { try VersionText.read($0, "volume ls") }
        try await FilesystemVerb(kind: .volume, verb: "ls", target: target).list(
            name, path, version: version?.rawValue, json: output.json)
    }
}

/// How a verb that changes a volume commits.
struct CommitArguments: ParsableArguments {
    @Option(help: "Who must hold the commit before this returns: local, majority, all, or regions with commas between.")
    var wait: String?
    @Option(name: [.customShort("m"), .long], help: "A message for the history.")
    var message = ""
    @Flag(help: "Refuse, and change nothing, where someone else changed the same files.")
    var ifUnchanged = false

    func options(_ operation: String) throws -> CommitOptions {
        guard message.utf8.count <= 4_096 else { throw CommandFailure.usage(operation, "--message", "at most 4,096 bytes") }
        let waiting: CommitWait
        switch wait {
        case nil: waiting = .policy
        case "local"?: waiting = .local
        case "majority"?: waiting = .majority
        case "all"?: waiting = .all
        case let text?:
            let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard names.allSatisfy({ !["", "local", "majority", "all"].contains($0) }) else {
                throw CommandFailure.usage(operation, "--wait \(text)", "say local, majority, all, or regions with commas between")
            }
            waiting = .regions(names.map { RegionID($0) })
        }
        return CommitOptions(ifUnchanged: ifUnchanged, message: message, wait: waiting)
    }
}

struct VolumePut: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Store a file or directory and commit it; --stage leaves the commit to `volume commit`.")
    @Argument var name: String
    @Argument(help: "A file, a directory, or - for the standard input.") var local: String
    @Argument(help: "A path; with / at its end the name is kept.") var remote = "/"
    @Flag(name: [.customShort("f"), .long], help: "Replace existing files.") var force = false
    @Flag(help: "Keep it in this region's session, to be published by `volume commit`.") var stage = false
    @OptionGroup var commit: CommitArguments
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let verb = FilesystemVerb(kind: .volume, verb: "put", target: target)
        try await verb.run { connection in
            let options = try commit.options(verb.operation)
            let volume = try await verb.find(name, connection)
            let session = stage ? try await StagedSessions(connection, verb.operation).open(volume) : nil
            let put = PutVerb(verb: verb, name: name, local: local, remote: remote, force: force, commit: options, stage: session)
            try put.check()
            let clock = ContinuousClock.now
            let stored = try await put.run(volume, connection)
            guard let receipt = stored.receipt else {
                return Terminal.line(
                    "Staged \(stored.bytes) bytes in \(stored.files) \(stored.files == 1 ? "file" : "files"). `atoll volume commit \(name)` publishes them."
                )
            }
            if output.json { return Receipts.json(receipt, milliseconds: (ContinuousClock.now - clock).inMilliseconds) }
            Receipts.show(receipt)
        }
    }
}

struct VolumeGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "get", abstract: "Fetch a file or a directory.")
    @Argument var name: String
    @Argument var remote: String
    @Argument(help: "A file or directory, or - for the standard output.") var local = "."
    @Flag(name: [.customShort("f"), .long], help: "Replace existing local files.") var force = false
    @Option(help: "As it was in this version.") var at: String?
    @OptionGroup var target: TargetOptions
    func run() async throws {
        let verb = FilesystemVerb(kind: .volume, verb: "get", target: target)
        let version = try at.map { try VersionText.read($0, verb.operation) }
        try await verb.run { connection in
            let volume = try await verb.find(name, connection)
            try await verb.session(volume, connection, readOnly: true, version: version) { files in
                try await GetVerb(verb: verb, remote: remote, local: local, force: force).run(files, say: local != "-")
            }
        }
    }
}

struct VolumeRm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rm", abstract: "Remove a file or directory and commit that.")
    @Argument var name: String
    @Argument var path: String
    @Flag(name: [.customShort("r"), .long], help: "Directories too, with all that is in them.") var recursive = false
    @OptionGroup var commit: CommitArguments
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        let verb = FilesystemVerb(kind: .volume, verb: "rm", target: target)
        try await verb.remove(name, path, recursive: recursive, commit: try commit.options(verb.operation), json: output.json)
    }
}

struct VolumeCp: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cp", abstract: "Copy within a volume, without moving bytes, and commit that.")
    @Argument var name: String
    @Argument(help: "What to copy, and last where to.") var paths: [String]
    @Flag(name: [.customShort("r"), .long], help: "Directories too.") var recursive = false
    @OptionGroup var commit: CommitArguments
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        let verb = FilesystemVerb(kind: .volume, verb: "cp", target: target)
        try await verb.copy(name, paths, recursive: recursive, commit: try commit.options(verb.operation), json: output.json)
    }
}

struct VolumeRename: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rename", abstract: "Give a volume another name.")
    @Argument var old: String
    @Argument var new: String
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var target: TargetOptions
    func run() async throws {
        try await FilesystemVerb(kind: .volume, verb: "rename", target: target).rename(old, to: new, yes: confirm.yes)
    }
}

struct VolumeDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete a volume and all its data.")
    @Argument var name: String
    @Flag(help: "Succeed where there is none.") var allowMissing = false
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var target: TargetOptions
    func run() async throws {
        try await FilesystemVerb(kind: .volume, verb: "delete", target: target).delete(name, allowMissing: allowMissing, yes: confirm.yes)
    }
}
