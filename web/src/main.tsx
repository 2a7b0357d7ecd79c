// The entry: styles, theme, data, routes.
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { I18nProvider } from "react-aria-components";
import { createRoot } from "react-dom/client";
import { watchConnection } from "./app/connection";
import { queryClient } from "./app/queries";
import { router } from "./app/router";
import { watchSession } from "./app/session";
import { startTheme } from "./app/theme";
import "./styles/tokens.css";
import "./styles/base.css";
import { watchFirstKeys } from "./ui/keys";

startTheme();
watchSession();
watchConnection();
watchFirstKeys();
const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <I18nProvider locale="en-GB">
        <QueryClientProvider client={queryClient}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </I18nProvider>
    </StrictMode>,
  );
