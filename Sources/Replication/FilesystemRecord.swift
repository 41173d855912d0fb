package import Primitives

/// The environment of a workspace in which names are unique.
package struct EnvironmentName: Hashable, Comparable, Sendable, XDRCodable, CustomStringConvertible {
    package static let main = EnvironmentName(workspace: "default", name: "main")
    package let workspace: String
    package let name: String
    package init(workspace: String = "default", name: String) {
        self.workspace = workspace
        self.name = name
    }
    package static func < (a: EnvironmentName, b: EnvironmentName) -> Bool {
        if a.workspace != b.workspace { return a.workspace.utf8.lexicographicallyPrecedes(b.workspace.utf8) }
        return a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
    }
    package var description: String { workspace == "default" ? "'\(name)'" : "'\(workspace)/\(name)'" }
    package func encode(to writer: inout XDRWriter) {
        writer.write(workspace)
        writer.write(name)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(workspace: try reader.string(limit: CatalogCommand.textLimit), name: try reader.string(limit: CatalogCommand.textLimit))
    }
}

package struct EnvironmentRecord: Hashable, Sendable, XDRCodable {
    package let name: EnvironmentName
    package let created: WallTime
    package let createdBy: String
    package init(name: EnvironmentName, created: WallTime, createdBy: String) {
        self.name = name
        self.created = created
        self.createdBy = createdBy
    }
    package func encode(to writer: inout XDRWriter) {
        writer.write(name)
        writer.write(created)
        writer.write(createdBy)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(name: try reader.value(), created: try reader.value(), createdBy: try reader.string(limit: CatalogCommand.principalLimit))
    }
}

/// What may be set on one file system. `nil` in a command leaves all of them as they are.
package struct FilesystemOptions: Hashable, Sendable, XDRCodable {
    /// Version of the volume's contract that the SDK asked for: 1 or 2, default 2. Both behave alike
    /// here; it is kept because asking for another than the file system has is an error.
    package var version: UInt32 = 2
    /// Seconds between background commits of a mounted volume; 0 turns them off. Default 5, range
    /// 0...3,600. Raise it where commits are dear, lower it where others wait for results.
    package var backgroundCommitSeconds: UInt32 = 5
    /// Versions of a volume kept for `history`, `--at` and `rollback`; default 1,000, range 1...1,000,000.
    /// Chunks that only dropped versions name are reclaimed.
    package var keptVersions: UInt32 = 1_000
    /// Days for which the losing side of a conflict is kept; default 30, range 1...3,650.
    package var conflictDays: UInt32 = 30
    /// Bytes that the files may hold together; 0 (default) for no limit. Past it writes fail with EDQUOT.
    package var quotaBytes: UInt64 = 0
    /// Of a clone, what it was made of. Until it has that content, nobody may use it.
    package var origin: FilesystemID?

    package init() {}

    static let backgroundCommitRange: ClosedRange<UInt32> = 0...3_600
    static let keptVersionsRange: ClosedRange<UInt32> = 1...1_000_000
    static let conflictDaysRange: ClosedRange<UInt32> = 1...3_650

    /// What is wrong with the values, in words; nil where nothing is.
    package var fault: String? {
        if version != 1 && version != 2 { return "version must be 1 or 2, not \(version)" }
        if !Self.backgroundCommitRange.contains(backgroundCommitSeconds) { return "background commit must be 0 to 3600 seconds" }
        if !Self.keptVersionsRange.contains(keptVersions) { return "kept versions must be 1 to 1000000" }
        if !Self.conflictDaysRange.contains(conflictDays) { return "conflict days must be 1 to 3650" }
        return nil
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(version)
        writer.write(backgroundCommitSeconds)
        writer.write(keptVersions)
        writer.write(conflictDays)
        writer.write(quotaBytes)
        writer.write(origin)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        version = try reader.uint32()
        backgroundCommitSeconds = try reader.uint32()
        keptVersions = try reader.uint32()
        conflictDays = try reader.uint32()
        quotaBytes = try reader.uint64()
        origin = try reader.optional()
    }
}

/// A file system as the catalog knows it: what it is, whose, and where its replicas are meant to be.
/// Who votes is in the group's own log; `plan` is what that is being brought to.
package struct FilesystemRecord: Hashable, Sendable, XDRCodable {
    package enum State: Hashable, Sendable {
        case active
        /// Its name is free again and its mounts get ESTALE; its data goes, then the record (`purgeFilesystem`).
        case deleting(at: WallTime, by: String)
    }

    package let id: FilesystemID
    package let group: GroupID
    /// Nil for an ephemeral file system.
    package var name: String?
    package let environment: EnvironmentName
    /// The primary region of a network file system, the home region of a volume.
    package var region: RegionID
    package var policy: ReplicationPolicy
    package var plan: ReplicaPlan
    /// Counts the changes of `plan`, from 1: a change names the revision that it was computed from.
    package var planRevision: UInt64
    /// The plan with which the group began: what its log begins from.
    package let foundingPlan: ReplicaPlan
    /// The revision of the plan that the group is known to have reached, and the revision of the set of
    /// nodes for which its content was where placement wants it then. 0 before the first time.
    package var settledPlan: UInt64 = 0
    package var settledNodes: UInt64 = 0
    /// Of a volume, the region that writes most, as the leader of its group has measured; nil for home.
    package var writers: RegionID?
    package var options: FilesystemOptions
    package let created: WallTime
    package let createdBy: String
    package var state: State
    /// The app with which it ends; set for ephemeral file systems, and for them alone.
    package let owner: AppID?

    package var kind: FilesystemKind { id.kind }
    package var isEphemeral: Bool { owner != nil }
    package var isActive: Bool {
        switch state {
        case .active: true
        case .deleting: false
        }
    }
    /// Whether the group is as its plan says.
    package var isSettled: Bool { settledPlan == planRevision }
    /// Where the leader of the group is wanted.
    package var leaderRegion: RegionID { writers ?? region }
    /// The name, or the id where there is none.
    package var label: String { name ?? id.description }

    package init(
        id: FilesystemID, group: GroupID, name: String?, environment: EnvironmentName, region: RegionID, policy: ReplicationPolicy,
        plan: ReplicaPlan, planRevision: UInt64, options: FilesystemOptions, created: WallTime, createdBy: String, state: State,
        owner: AppID?
    ) {
        self.id = id
        self.group = group
        self.name = name
        self.environment = environment
        self.region = region
        self.policy = policy
        self.plan = plan
        self.planRevision = planRevision
        foundingPlan = plan
        self.options = options
        self.created = created
        self.createdBy = createdBy
        self.state = state
        self.owner = owner
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(id)
        writer.write(group)
        writer.write(optional: name)
        writer.write(environment)
        writer.write(region)
        writer.write(policy)
        writer.write(plan)
        writer.write(planRevision)
        writer.write(foundingPlan)
        writer.write(settledPlan)
        writer.write(settledNodes)
        writer.write(writers)
        writer.write(options)
        writer.write(created)
        writer.write(createdBy)
        switch state {
        case .active:
            writer.write(UInt32(1))
        case .deleting(let time, let by):
            writer.write(UInt32(2))
            writer.write(time)
            writer.write(by)
        }
        writer.write(owner)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        id = try reader.value()
        group = try reader.value()
        name = try reader.optionalString(limit: CatalogName.maximumLength)
        environment = try reader.value()
        region = try reader.value()
        policy = try reader.value()
        plan = try reader.value()
        planRevision = try reader.uint64()
        foundingPlan = try reader.value()
        settledPlan = try reader.uint64()
        settledNodes = try reader.uint64()
        writers = try reader.optional()
        options = try reader.value()
        created = try reader.value()
        createdBy = try reader.string(limit: CatalogCommand.principalLimit)
        switch try reader.uint32("state of a file system", in: 1...2) {
        case 1: state = .active
        default: state = .deleting(at: try reader.value(), by: try reader.string(limit: CatalogCommand.principalLimit))
        }
        owner = try reader.optional()
    }
}
