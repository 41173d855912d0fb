import APIClient
import APISchema
import Comparison
import Filesystem
import Foundation
import NIOCore
import Primitives
import Synchronization

/// A running cluster as a comparison needs it: a client of a node in each region, by the HTTP API.
/// Requests are not repeated behind the comparison's back: a retry would hide in a latency.
final class LiveCluster: WorkloadClient {
    struct Place: Sendable {
        var name: String
        var region: RegionID
        var client: APIClient
    }

    /// One for each node that is ready. Clients of a region use the first that is there.
    let places: [Place]
    let shaping: String
    /// Each region has a network of its own: the kernel's TCP, which starts slowly, feels the links.
    let isKernelTCP: Bool
    let environment: String
    /// What creation said of durability.
    private let durability = Mutex<[FilesystemKind: String]>([:])

    /// How long one operation may take; a commit that waits for all regions moves all inputs.
    static let operationBound = Duration.seconds(120)

    init(_ file: ClusterFile, _ directory: ClusterDirectory, environment: String) throws {
        self.environment = environment
        _ = try LiveNetwork.require(file, directory, "compare")
        let token = try LocalFiles.text(directory.tokenFile).trimmingCharacters(in: .whitespacesAndNewlines)
        places = file.nodes.compactMap { node in
            guard let ready = ReadyFile.read(directory.ready(node.name)), ready.process.state == .running,
                let http = LiveNetwork.http(ready, directory)
            else { return nil }
            let options = APIClientOptions(timeout: .seconds(30), retryFor: .zero)
            return Place(
                name: node.name, region: RegionID(node.region), client: APIClient(address: http, token: token, options: options))
        }
        shaping = file.linkWords
        isKernelTCP = file.network != .loopback
        guard !places.isEmpty else {
            throw CommandFailure("compare", "", "no node is running", hint: "see `atoll status`; start with `atoll up`")
        }
    }

    /// Speaks to the last node of each region.
    private init(preparing other: LiveCluster) {
        places = other.places.reversed()
        shaping = other.shaping
        isKernelTCP = other.isKernelTCP
        environment = other.environment
    }

    var preparing: any WorkloadClient { LiveCluster(preparing: self) }

    func shutdown() async {
        for place in places { await place.client.shutdown() }
    }

    var regions: [RegionID] {
        var out: [RegionID] = []
        for place in places where !out.contains(place.region) { out.append(place.region) }
        return out
    }

    private func client(_ region: RegionID) throws(FileFailure) -> APIClient {
        guard let place = places.first(where: { $0.region == region }) else {
            throw FileFailure(
                .unavailable, operation: "compare", object: region.name, cause: "no node runs there", hint: "see `atoll status`")
        }
        return place.client
    }

    func createFilesystem(named name: String, kind: FilesystemKind, primary: RegionID) async throws -> FilesystemID {
        let report = try await client(primary).createFilesystem(
            NewFilesystem(kind: kind, name: name, environment: environment, region: primary))
        durability.withLock { $0[kind] = report.durability }
        return report.id
    }

    /// One that is there, by name: it must live in `primary`, and be empty.
    func existingFilesystem(named name: String, kind: FilesystemKind, primary: RegionID) async throws -> FilesystemID {
        let report: FilesystemReport
        do throws(FileFailure) {
            report = try await client(primary).filesystem(kind: kind, environment: environment, name: name)
        } catch {
            guard error.code == .notFound || error.code == .wrongKind else { throw error }
            throw CommandFailure(
                "compare", "--\(kind.word) \(name)", error.cause,
                hint: "`atoll \(kind.word) list\(environment == "main" ? "" : " -e \(environment)")` shows which there are")
        }
        guard report.region == primary else {
            throw CommandFailure(
                "compare", name, "its primary region is \(report.region), not \(primary)", hint: "name it with --primary")
        }
        let session = try await openSession(report.id, in: primary, options: SessionOptions(readOnly: true))
        let list = try await perform(.list(path: .root, cookie: 0, limit: 10), session: session, in: primary, payload: nil)
        await closeSession(session, in: primary)
        guard case .entries(let entries, _) = list.outcome.value, entries.isEmpty else {
            throw CommandFailure("compare", name, "it is not empty", hint: "name one that is, or leave the option out")
        }
        durability.withLock { $0[kind] = report.durability }
        return report.id
    }

    /// Whether the token and the environment are right, before anything is made.
    func check(_ directory: ClusterDirectory) async throws {
        _ = try await telling("compare", in: directory) {
            do {
                _ = try await places[0].client.filesystems(kind: nil, environment: environment)
            } catch let failure as FileFailure where failure.code == .notFound {
                throw CommandFailure(
                    "compare", "--env \(environment)", failure.cause, hint: "`atoll environment list` shows which there are")
            }
        }
    }

    func deleteFilesystem(_ filesystem: FilesystemID) async throws {
        try await places[0].client.delete(filesystem)
    }

    func openSession(_ filesystem: FilesystemID, in region: RegionID, options: SessionOptions, within: Duration?) async throws(FileFailure)
        -> SessionID
    { try await client(region).openSession(filesystem, options: options, within: within) }

    func closeSession(_ session: SessionID, in region: RegionID, within: Duration?) async {
        try? await client(region).closeSession(session, within: within)
    }

    func perform(_ operation: FileOperation, session: SessionID, in region: RegionID, payload: [UInt8]?, within: Duration?)
        async throws(FileFailure) -> (outcome: FileOutcome, data: [UInt8])
    {
        let (outcome, data) = try await client(region).perform(
            operation, session: session, payload: payload.map { ByteBuffer(bytes: $0) }, within: within ?? Self.operationBound)
        return (outcome, data.map { Array($0.readableBytesView) } ?? [])
    }
}

// What the cluster tells of itself.
extension LiveCluster {
    func describe() async throws -> ClusterDescription {
        let status = try await places[0].client.status()
        var pairs: [RegionPairReport] = []
        for place in places {
            for pair in (try? await place.client.regions()) ?? [] where pair.from == place.region && pair.from != pair.to {
                // The view with the most samples.
                if let known = pairs.firstIndex(where: { $0.from == pair.from && $0.to == pair.to }) {
                    if pairs[known].samples < pair.samples { pairs[known] = pair }
                } else {
                    pairs.append(pair)
                }
            }
        }
        let said = durability.withLock { $0 }
        return ClusterDescription(
            version: status.version, regions: regions, shaping: shaping,
            networkFileSystemDurability: said[.nfs] ?? "not told", volumeDurability: said[.volume] ?? "not told",
            roundTrips: pairs.map {
                .init(from: $0.from, to: $0.to, median: .nanoseconds(Int64($0.medianMilliseconds * 1_000_000)))
            })
    }

    /// Sums `atoll_link_bytes_out_total` of all nodes by the regions at both ends.
    func linkBytes() async throws -> [LinkBytes] {
        var sums: [LinkBytes] = []
        for place in places {
            for (to, bytes) in Self.bytesOut(try await place.client.metrics()) where to != place.region {
                if let known = sums.firstIndex(where: { $0.from == place.region && $0.to == to }) {
                    sums[known].bytes += bytes
                } else {
                    sums.append(LinkBytes(from: place.region, to: to, bytes: bytes))
                }
            }
        }
        return sums
    }

    static func bytesOut(_ metrics: String) -> [(RegionID, UInt64)] {
        metrics.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("atoll_link_bytes_out_total{"), let label = line.range(of: "region=\""),
                let end = line[label.upperBound...].firstIndex(of: "\""),
                let value = line.split(separator: " ").last.flatMap({ Double($0) })
            else { return nil }
            let region = line[label.upperBound..<end]
            return region.isEmpty || value < 0 ? nil : (RegionID(String(region)), UInt64(value))
        }
    }
}
