internal import Foundation

/// The regions by longitude and latitude, with the links between them, as SVG. A ring marks the primary region,
/// where there is one.
struct RegionDrawing {
    let map: ComparisonReport.MapSummary

    private struct Place {
        var region: ComparisonReport.MapSummary.Region
        var x: Double
        var y: Double
    }

    func svg(width: Double, height: Double) -> String {
        let places = places(width: width, height: height)
        var lines = ""
        var labels = ""
        // A crowded map shows only the links of the primary region.
        let showsAll = places.count <= 5
        for (index, a) in places.enumerated() {
            for b in places[(index + 1)...] {
                guard let link = map.links.first(where: { $0.from == a.region.id && $0.to == b.region.id }) else { continue }
                let isPrimary = a.region.id == map.primary || b.region.id == map.primary
                guard showsAll || isPrimary else { continue }
                let (curve, middle) = arc(a, b)
                lines +=
                    "<path d=\"\(curve)\" fill=\"none\" stroke=\"var(--\(isPrimary ? "ink" : "soft"))\" "
                    + "stroke-opacity=\"\(isPrimary ? ".55" : ".4")\" "
                    + "stroke-width=\"\(isPrimary ? 2 : 1.5)\"\(isPrimary ? "" : " stroke-dasharray=\"4 4\"")/>"
                let shown = link.measuredRttMs ?? link.rttMs
                let aside = link.measuredRttMs == nil || width < 500 ? "" : " (\(Figure.milliseconds(link.rttMs)))"
                labels += SVG.text(
                    "\(Figure.milliseconds(shown)) ms\(aside)", middle.0, middle.1 - 6, anchor: "middle", size: 13, isHalo: true)
            }
        }
        var dots = ""
        for place in places {
            let isPrimary = place.region.id == map.primary
            if isPrimary {
                dots +=
                    "<circle cx=\"\(SVG.number(place.x))\" cy=\"\(SVG.number(place.y))\" r=\"12\" fill=\"none\" class=\"line-nfs\" stroke-width=\"3\"/>"
            }
            dots += "<g transform=\"translate(\(SVG.number(place.x)) \(SVG.number(place.y)))\">\(HTMLReport.volumeMark())</g>"
            let anchor = place.x < width * 0.2 ? "start" : place.x > width * 0.8 ? "end" : "middle"
            // Arcs rise to the north: names stand below their region, and above it at the top of the map.
            let top = place.y < height * 0.4 ? place.y - 32 : place.y + 28
            labels += SVG.text(place.region.id, place.x, top, anchor: anchor, size: 14, weight: 650, isHalo: true)
            labels += SVG.text(place.region.title, place.x, top + 17, anchor: anchor, size: 12, className: "soft", isHalo: true)
        }
        return
            "<svg viewBox=\"0 0 \(SVG.number(width)) \(SVG.number(height))\" role=\"img\" aria-label=\"Map of the regions and their round "
            + "trips\">\(graticule(width, height))\(lines)\(dots)\(labels)</svg>"
    }

    /// Longitude and latitude, stretched to fill the box.
    private func places(width: Double, height: Double) -> [Place] {
        let regions = map.regions
        let longitudes = regions.map(\.longitude)
        let latitudes = regions.map(\.latitude)
        func scaled(_ value: Double, _ values: [Double], _ low: Double, _ high: Double) -> Double {
            guard let least = values.min(), let most = values.max(), most > least else { return (low + high) / 2 }
            return low + (value - least) / (most - least) * (high - low)
        }
        return regions.map {
            Place(
                region: $0, x: scaled($0.longitude, longitudes, width * 0.07, width * 0.93),
                y: scaled($0.latitude, latitudes, height - 70, height * 0.3))
        }
    }

    private func arc(_ a: Place, _ b: Place) -> (path: String, middle: (Double, Double)) {
        let distance = hypot(b.x - a.x, b.y - a.y)
        let lift = distance * 0.22
        let control = ((a.x + b.x) / 2, (a.y + b.y) / 2 - lift)
        let middle = ((a.x + b.x) / 4 + control.0 / 2, (a.y + b.y) / 4 + control.1 / 2)
        return (
            "M\(SVG.number(a.x)) \(SVG.number(a.y))Q\(SVG.number(control.0)) \(SVG.number(control.1)) \(SVG.number(b.x)) \(SVG.number(b.y))",
            middle
        )
    }

    private func graticule(_ width: Double, _ height: Double) -> String {
        var out = ""
        for index in 1..<8 {
            let x = width * Double(index) / 8
            out +=
                "<line class=\"grid\" stroke-opacity=\".6\" x1=\"\(SVG.number(x))\" x2=\"\(SVG.number(x))\" y1=\"0\" y2=\"\(SVG.number(height))\"/>"
        }
        for index in 1..<4 {
            let y = height * Double(index) / 4
            out +=
                "<line class=\"grid\" stroke-opacity=\".6\" x1=\"0\" x2=\"\(SVG.number(width))\" y1=\"\(SVG.number(y))\" y2=\"\(SVG.number(y))\"/>"
        }
        return out
    }
}
